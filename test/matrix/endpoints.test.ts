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
    ['/_matrix/key/v2/server', '/_matrix/key/**'],
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

  it('calls a PUT safe to repeat where a transaction id stands in the path', () => {
    expect(endpointOf('/_matrix/federation/v1/send/1').retry).toBe('transaction');
    expect(endpointOf('/_matrix/client/v3/sendToDevice/m.room.encrypted/1').retry).toBe('transaction');
    expect(endpointOf('/_matrix/media/v3/upload').retry).toBe('never');
  });
});
