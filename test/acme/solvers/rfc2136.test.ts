import { describe, expect, it } from 'vitest';
import { encodeUpdate, parseMessage } from '../../../src/acme/solvers/dns-message.ts';
import type { ChallengeRecord } from '../../../src/acme/solvers/dns-provider.ts';
import { createRfc2136Provider, type Rfc2136Slice } from '../../../src/acme/solvers/rfc2136.ts';
import type { TsigKey } from '../../../src/acme/solvers/tsig.ts';
import { createManualSystem } from '../../tls/manual-system.ts';
import { failureOf, makeTask, NEVER } from './challenge-task.ts';
import { createTableDns, type DnsTable } from './dns-table.ts';
import { scriptExchange, type UpdateAnswer } from './update-server.ts';

const key: TsigKey = { name: 'update.key', algorithm: 'hmac-sha512', secret: Buffer.alloc(32, 1) };
const record: ChallengeRecord = {
  name: '_acme-challenge.a.example.com',
  value: 'gfj9Xq',
  task: makeTask('dns-01', 'a.example.com'),
};
const SERVER = '192.0.2.53:5353';
const system = createManualSystem();
const clock = system.now();

function start(answer: () => UpdateAnswer, slice: Partial<Rfc2136Slice> = {}) {
  const table: DnsTable = new Map([[`SOA example.com @${SERVER}`, ['ns1.example.com']]]);
  const dns = createTableDns(table);
  const { exchange, sent } = scriptExchange(answer);
  const provider = createRfc2136Provider({ host: '192.0.2.53', port: 5353, key, ...slice }, { system, dns, exchange });
  return { provider, sent, dns, table };
}

const good = (): UpdateAnswer => ({ rcode: 0, clock, key });

describe('a name server that takes updates', () => {
  it('is sent signed updates for the zone that it has', async () => {
    const { provider, sent } = start(good);
    await provider.set(record, NEVER);
    await provider.unset(record);
    for (const [index, action] of (['add', 'remove'] as const).entries()) {
      const { id } = parseMessage(sent[index]!)!;
      const { name, value } = record;
      const expected = encodeUpdate({ id, zone: 'example.com', name, value, action, ttl: 60 });
      // All but the count of additional records, and the signature behind it.
      expect(sent[index]!.subarray(12, expected.length)).toEqual(expected.subarray(12));
      expect(parseMessage(sent[index]!)!.records.at(-1)!.type).toBe(250);
    }
    expect(parseMessage(sent[0]!)!.id).not.toBe(parseMessage(sent[1]!)!.id);
  });

  it('is not asked for the zone when that is configured', async () => {
    const { provider, dns, sent } = start(good, { zone: 'com' });
    await provider.set(record, NEVER);
    expect(dns.questions).toEqual([]);
    expect(sent[0]!.subarray(12, 17)).toEqual(Buffer.from('\u0003com\0'));
  });

  it('may be given by name', async () => {
    const { provider, table } = start(good, { host: 'localhost' });
    table.set('SOA example.com @127.0.0.1:5353', ['ns1.example.com']);
    table.set('SOA example.com @[::1]:5353', ['ns1.example.com']);
    await expect(provider.set(record, NEVER)).resolves.toBeUndefined();
  });

  it('that has no such zone, or no address, is named', async () => {
    const { provider, table } = start(good);
    table.clear();
    expect(await failureOf(provider.set(record, NEVER))).toMatchObject({
      code: 'dns-provider',
      message: 'rfc2136: 192.0.2.53:5353 has no zone that _acme-challenge.a.example.com is in.',
    });
    const { provider: nameless } = start(good, { host: 'nowhere.invalid' });
    expect(await failureOf(nameless.set(record, NEVER))).toMatchObject({
      message: expect.stringContaining('the name server nowhere.invalid cannot be found'),
    });
  });

  const REFUSALS: readonly (readonly [string, UpdateAnswer])[] = [
    ['does not know the key update.key (BADKEY)', { rcode: 9, tsigError: 17, clock }],
    ['finds our signature wrong (BADSIG)', { rcode: 9, tsigError: 16, clock }],
    ['(BADTIME): they are 3600 s apart', { rcode: 9, tsigError: 18, clock: clock + 3_600_000, key }],
    ['the key is not allowed to (REFUSED)', { rcode: 5, clock, key }],
    ['it is not the primary server of example.com (NOTAUTH)', { rcode: 9, clock, key }],
    ['the name is not in example.com (NOTZONE)', { rcode: 10, clock, key }],
    ['it failed (SERVFAIL)', { rcode: 2, clock, key }],
    ['it does not take updates (NOTIMP)', { rcode: 4, clock }],
    ['response code 7', { rcode: 7, clock, key }],
  ];
  it.each(REFUSALS)('and refuses is quoted: %s', async (why, answer) => {
    const { provider } = start(() => answer);
    const failure = await failureOf(provider.set(record, NEVER));
    expect(failure).toMatchObject({ code: 'dns-provider', blame: 'operator' });
    expect((failure as Error).message).toMatch(/^rfc2136: 192\.0\.2\.53:5353 refuses to change _acme-challenge/);
    expect((failure as Error).message).toContain(why);
    expect((failure as { hint?: string }).hint).toBeTruthy();
  });

  it.each([
    ['not signed', { rcode: 0, clock }, 'it is not signed'],
    [
      'signed with another secret',
      { rcode: 0, clock, key: { ...key, secret: Buffer.alloc(32) } },
      'signature is wrong',
    ],
    ['signed an hour ago', { rcode: 0, clock: clock - 3_600_000, key }, '3600 seconds off'],
  ] as const)('is not believed when its consent is %s', async (_, answer, why) => {
    const { provider } = start(() => answer);
    const failure = await failureOf(provider.set(record, NEVER));
    expect(failure).toMatchObject({ message: expect.stringContaining('cannot be trusted') });
    expect((failure as Error).message).toContain(why);
  });

  it('has half a minute, and no longer than the order lasts', async () => {
    const own = createManualSystem();
    const stuck = createRfc2136Provider(
      { host: '192.0.2.53', port: 53, key, zone: 'example.com' },
      {
        system: own,
        dns: createTableDns(new Map()),
        exchange: (_, __, signal) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      },
    );
    const late = failureOf(stuck.set(record, NEVER));
    await own.advance(0);
    await own.advance(30_000);
    expect(await late).toMatchObject({ message: 'rfc2136: 192.0.2.53:53 took longer than 30 s.' });
    const abort = new AbortController();
    const aborted = failureOf(stuck.set(record, abort.signal));
    await own.advance(0);
    abort.abort(new Error('stopping'));
    expect(await aborted).toMatchObject({ message: 'stopping' });
  });
});
