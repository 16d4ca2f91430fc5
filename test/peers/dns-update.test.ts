import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDns01Solver, recordValue } from '../../src/acme/solvers/dns-01.ts';
import type { ChallengeRecord } from '../../src/acme/solvers/dns-provider.ts';
import { createRfc2136Provider, type Rfc2136Slice } from '../../src/acme/solvers/rfc2136.ts';
import { createDnsClient, type DnsClient } from '../../src/base/dns.ts';
import { createDnsExchange } from '../../src/base/dns-exchange.ts';
import { realSystem, type System } from '../../src/base/system.ts';
import { failureOf, makeTask, NEVER } from '../acme/solvers/challenge-task.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { createRecordingLog } from '../tls/recording-log.ts';
import { type NameServer, startNameServer, type UpdateKey, whyNoNameServer } from './name-server.ts';

const missing = whyNoNameServer();

if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('a real BIND is here, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}

if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`A real BIND that takes updates${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sidecar-bind-'));
  const keys = (['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const).map(
    (algorithm): UpdateKey => ({ name: `key.${algorithm}`, algorithm, secret: randomBytes(32) }),
  );
  const [key] = keys as [UpdateKey];
  let server: NameServer;
  let port = 0;
  let dns: DnsClient;

  beforeAll(async () => {
    [port] = (await findFreePorts(1)) as [number];
    server = await startNameServer({
      folder,
      port,
      keys,
      zones: {
        'zone.test': '_acme-challenge.aliased IN CNAME dynamic.other.test.\n*.wild IN CNAME web.zone.test.',
        'other.test': '',
      },
    });
    dns = createDnsClient({ servers: [server.address] });
  });
  afterAll(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (slice: Partial<Rfc2136Slice> = {}, system: System = realSystem) =>
    createRfc2136Provider(
      { host: '127.0.0.1', port, key, ...slice },
      { system, dns, exchange: createDnsExchange({ system }) },
    );
  const makeRecord = (name: string, value: string): ChallengeRecord => ({
    name,
    value,
    task: makeTask('dns-01', name),
  });
  const valuesOf = async (name: string) => [...(await dns.resolveTxt(name))].sort();

  test.each(keys)('adds and removes values side by side, signed with $algorithm', async (signing) => {
    const provider = open({ key: signing });
    const name = `${signing.algorithm}._acme-challenge.zone.test`;
    const [one, two] = [makeRecord(name, 'one'), makeRecord(name, 'two')];
    await Promise.all([provider.set(one, NEVER), provider.set(two, NEVER)]);
    await provider.set(one, NEVER);
    expect(await valuesOf(name)).toEqual(['one', 'two']);
    await provider.unset(one);
    await provider.unset(one);
    expect(await valuesOf(name)).toEqual(['two']);
    await provider.unset(two);
    expect(await valuesOf(name)).toEqual([]);
  });

  test('takes an update that needs TCP', async () => {
    const name = 'long._acme-challenge.zone.test';
    const value = 'x'.repeat(2_000);
    await open().set(makeRecord(name, value), NEVER);
    expect(await valuesOf(name)).toEqual([value]);
  });

  const shifted = (ms: number): System => ({ ...realSystem, now: () => Date.now() + ms });
  const record = makeRecord('_acme-challenge.zone.test', 'x');
  test('says what is wrong with an update', async () => {
    const wrong: Readonly<Record<string, unknown>> = {
      secret: await failureOf(open({ key: { ...key, secret: randomBytes(32) } }).set(record, NEVER)),
      name: await failureOf(open({ key: { ...key, name: 'nobody' } }).set(record, NEVER)),
      clock: await failureOf(open({}, shifted(-3_600_000)).set(record, NEVER)),
      policy: await failureOf(open().set(makeRecord('www.zone.test', 'x'), NEVER)),
      zone: await failureOf(open({ zone: 'other.test' }).set(record, NEVER)),
      foreign: await failureOf(open({ zone: 'test' }).set(record, NEVER)),
      absent: await failureOf(open().set(makeRecord('a.example.com', 'x'), NEVER)),
    };
    const messages = Object.fromEntries(Object.entries(wrong).map(([what, error]) => [what, (error as Error).message]));
    expect(messages['secret']).toContain('it finds our signature wrong (BADSIG)');
    expect(messages['name']).toContain('it does not know the key nobody (BADKEY)');
    expect(messages['clock']).toMatch(
      /its clock and ours differ too much \(BADTIME\): they are 3(600|599|601) s apart/,
    );
    expect(messages['policy']).toContain('the key is not allowed to (REFUSED)');
    expect(messages['zone']).toContain('the name is not in other.test (NOTZONE)');
    expect(messages['foreign']).toContain('it is not the primary server of test (NOTAUTH)');
    expect(messages['absent']).toMatch(/has no zone that a\.example\.com is in|it refuses to answer/);
    expect(await valuesOf(record.name)).toEqual([]);
  });

  test.each([
    ['zone.test', '_acme-challenge.zone.test'],
    ['aliased.zone.test', 'dynamic.other.test'],
    // Where a wildcard meant for a website answers for every name, that is no alias.
    ['wild.zone.test', '_acme-challenge.wild.zone.test'],
  ])('serves a whole dns-01 challenge for %s and its wildcard at %s', async (name, at) => {
    const solver = createDns01Solver(
      { provider: open(), nameServerPort: port },
      { system: realSystem, dns, log: createRecordingLog() },
    );
    const tasks = [makeTask('dns-01', name), makeTask('dns-01', name, { wildcard: true, token: 'second' })];
    await Promise.all(tasks.map((task) => solver.present(task, NEVER)));
    await Promise.all(tasks.map((task) => solver.wait!(task, NEVER)));
    expect(await valuesOf(at)).toEqual(tasks.map((task) => recordValue(task.keyAuthorization)).sort());
    await solver.cleanUp(tasks[0]!);
    expect(await valuesOf(at)).toEqual([recordValue(tasks[1]!.keyAuthorization)]);
    await solver.cleanUp(tasks[1]!);
    expect(await valuesOf(at)).toEqual([]);
  });
});
