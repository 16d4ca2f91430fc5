import { describe, expect, it } from 'vitest';
import { ENDPOINT_ROWS } from '../../src/matrix/endpoint-table.ts';
import { compileEndpoints } from '../../src/matrix/endpoints.ts';

const match = compileEndpoints();
const patternOf = (target: string): string | undefined => {
  const query = target.indexOf('?');
  return match(target, query === -1 ? target.length : query)?.pattern;
};

describe('an endpoint is found by the raw path, at segment boundaries', () => {
  it.each([
    ['/_matrix', '/_matrix/**'],
    ['/_matrix/', '/_matrix/**'],
    ['/_matrix?x', '/_matrix/**'],
    ['/_matrixfoo', undefined],
    ['/_matrix%2Fclient', undefined],
    ['/', undefined],
    ['', undefined],
    ['//_matrix/client/v3/sync', undefined],
    ['/_matrix/client/v3/sync', '/_matrix/client/v3/sync'],
    ['/_matrix/client/v3/sync?since=s1/2', '/_matrix/client/v3/sync'],
    ['/_matrix/client/v3/sync/', '/_matrix/client/**'],
    ['/_matrix/client/v3/synchrotron', '/_matrix/client/**'],
    [
      '/_matrix/client/v3/rooms/!a%2Fb:x/send/m.room.message/1',
      '/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}',
    ],
    ['/_matrix/client/v3/rooms/!a:x/send/m.room.message/', '/_matrix/client/**'],
    ['/_matrix/client/v3/rooms//send/m.room.message/1', '/_matrix/client/**'],
    ['/_matrix/federation/v1/send/171', '/_matrix/federation/v1/send/{txnId}'],
    ['/_matrix/federation/v2/send_join/!r/$e', '/_matrix/federation/v2/send_join/{roomId}/{eventId}'],
    ['/_matrix/federation/v1/media/download/abc', '/_matrix/federation/v1/media/**'],
    ['/_matrix/key/v2/server', '/_matrix/key/v2/server'],
    ['/_matrix/key/v2/server/ed25519%3Aa', '/_matrix/key/**'],
    ['/_matrix/media/v3/upload', '/_matrix/media/v3/upload'],
    ['/_matrix/media/v3/upload?filename=a/b', '/_matrix/media/v3/upload'],
    ['/_matrix/client/v1/media/upload', '/_matrix/client/v1/media/upload'],
    ['/_synapse/client/oidc/callback', '/_synapse/client/**'],
    ['/_synapse/admin/v1/users', '/_synapse/admin/**'],
    ['/_synapse/metrics', '/_synapse/**'],
    ['/_synapse/clients', '/_synapse/**'],
  ])('%s is %s', (target, pattern) => {
    expect(patternOf(target)).toBe(pattern);
  });

  it('finds every row of the table by its own pattern, so that none is shadowed by another', () => {
    for (const row of ENDPOINT_ROWS) {
      const example = row.pattern.replaceAll(/\{[^}]+\}/g, 'x').replace('**', 'x');
      expect(patternOf(example), example).toBe(row.pattern);
    }
  });
});

describe('an endpoint says what holds for it', () => {
  const endpointOf = (target: string) => match(target, target.length)!;

  it('lets uploads alone be large', () => {
    expect(endpointOf('/_matrix/media/v3/upload').bodyLimit).toBe('upload');
    expect(endpointOf('/_matrix/federation/v1/send/1').bodyLimit).toBe('body');
  });

  it('gives a sync more time than the longest poll that clients ask for', () => {
    expect(endpointOf('/_matrix/client/v3/sync').deadline).toBeGreaterThanOrEqual(600_000);
  });

  it.each([
    // Synapse's own timers for what it asks of others: 10, 20, 30 and 60 s.
    ['/_matrix/key/v2/server', 10_000],
    ['/_matrix/federation/v1/user/keys/query', 10_000],
    ['/_matrix/federation/v1/user/keys/claim', 10_000],
    ['/_matrix/federation/v1/query/profile', 10_000],
    ['/_matrix/federation/v1/query/directory', 10_000],
    ['/_matrix/federation/v1/make_join/!r/@u', 20_000],
    ['/_matrix/federation/v1/make_leave/!r/@u', 20_000],
    ['/_matrix/federation/v1/user/devices/@u', 30_000],
    ['/_matrix/federation/v1/send/1', 60_000],
    ['/_matrix/federation/v1/event/$e', 60_000],
  ])('lets %s wait until shortly before a peer gives up at %i ms', (target, timer) => {
    const { patience } = endpointOf(target);
    expect(timer - patience).toBeGreaterThanOrEqual(2_000);
    expect(timer - patience).toBeLessThanOrEqual(10_000);
  });

  it('fails mildly where a peer’s timer is too short to wait for a restart, and nowhere else', () => {
    const mild = ENDPOINT_ROWS.filter((row) => row.mildFailure).map((row) => row.pattern);
    expect(mild.every((pattern) => pattern.startsWith('/_matrix/federation/'))).toBe(true);
    expect(endpointOf('/_matrix/federation/v1/user/keys/query').mildFailure).toBe(true);
    // Synapse counts every error of /send, and goes on to the next server at a 5xx alone.
    expect(endpointOf('/_matrix/federation/v1/send/1').mildFailure).toBe(false);
    expect(endpointOf('/_matrix/federation/v1/make_join/!r/@u').mildFailure).toBe(false);
  });

  it('calls a PUT safe to repeat where a transaction id stands in the path', () => {
    expect(endpointOf('/_matrix/federation/v1/send/1').retry).toBe('transaction');
    expect(endpointOf('/_matrix/client/v3/sendToDevice/m.room.encrypted/1').retry).toBe('transaction');
    expect(endpointOf('/_matrix/media/v3/upload').retry).toBe('never');
  });
});
