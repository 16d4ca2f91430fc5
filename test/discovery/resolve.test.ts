import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolve } from '../../src/discovery/resolve.ts';
import { DELEGATED, NOT_DELEGATED } from './delegation-cases.ts';
import { BY_SERVICE, LITERALS } from './direct-cases.ts';
import type { ResolutionCase } from './resolution-case.ts';
import { mapping, named, placesOf, startTestNetwork, type TestNetwork, type World } from './world.ts';

let network: TestNetwork;
beforeAll(async () => {
  network = await startTestNetwork();
});
afterAll(() => network.close());

const signal = new AbortController().signal;

function lookUp(serverName: string, world: World = {}, allowPrivate = true, connectTo = network.connectTo) {
  network.set(world);
  return resolve(named(serverName), network, { connectTo, allowPrivate }, signal);
}

describe.each<[string, readonly ResolutionCase[]]>([
  ['a server name with an address or a port is taken as it is:', LITERALS],
  ['a server name is delegated by its well-known document', DELEGATED],
  ['a server name is not delegated when', NOT_DELEGATED],
  ['a server name without delegation is looked up as a service:', BY_SERVICE],
])('%s', (_, cases) => {
  it.each<ResolutionCase>([...cases])('$title', async (row) => {
    const resolution = await lookUp(row.serverName, row);
    expect(resolution.step).toBe(row.step);
    expect(placesOf(resolution)).toEqual(row.places.map((place) => place.replace('PORT', String(network.httpsPort))));
    expect(resolution.hostHeader).toBe(row.host);
    expect(resolution.certificateName).toBe(row.certificate ?? row.host);
    expect(resolution.trace.filter(({ decided }) => decided).map(({ step }) => step)).toEqual([row.step]);
    const { wellKnown, srv } = resolution;
    expect(wellKnown === undefined).toBe(['1', '2'].includes(row.step));
    expect(wellKnown?.result.ok ?? false).toBe(row.step.startsWith('3.'));
    if (row.problem !== undefined) expect(wellKnown?.result).toMatchObject({ ok: false, problem: row.problem });
    // No question that the steps do not have, and no well-known lookup on the delegated name.
    const asked = network.questions.filter((question) => question.startsWith('SRV '));
    expect(new Set(asked)).toEqual(new Set(srv.map(({ name }) => `SRV ${name.replace(/\.$/, '')}`)));
    const expected = { '4': 1, '3.3': 1, '5': 2, '6': 2, '3.4': 2, '3.5': 2 }[row.step as string] ?? 0;
    expect(srv.length).toBe(expected);
    if (row.asksSrv !== undefined) expect(srv.map(({ name }) => name)).toEqual(row.asksSrv);
    const delegated = wellKnown?.result.ok ? wellKnown.result.delegated.host : undefined;
    if (delegated !== named(row.serverName).host) expect(network.requests.join()).not.toContain(`${delegated}/`);
  });
});

describe('a resolution', () => {
  it('tells what each step did', async () => {
    const { trace } = await lookUp('fed.test', {
      sites: { 'fed.test': { body: '{"m.server":"b.fed.test"}' } },
      zone: { 'SRV _matrix._tcp.b.fed.test': [['SRV', '10 5 443 c.fed.test']] },
    });
    expect(trace.map(({ step, what }) => `${step} ${what}`)).toEqual([
      '3 https://fed.test/.well-known/matrix/server delegates to b.fed.test.',
      '3.3 There is no SRV record _matrix-fed._tcp.b.fed.test.',
      '3.4 The SRV record _matrix._tcp.b.fed.test leads to c.fed.test:443.',
      `3.4 As asked for, c.fed.test:${network.httpsPort} is connected to instead of c.fed.test:443.`,
    ]);
  });

  it('sees that a host, or the target of an SRV record, is an alias', async () => {
    const zone = {
      'SRV _matrix-fed._tcp.fed.test': [['SRV', '0 0 9 b.fed.test']],
      'CNAME b.fed.test': [['CNAME', 'c.fed.test']],
      'A b.fed.test': [
        ['CNAME', 'c.fed.test'],
        ['A', '192.0.2.5', 'c.fed.test'],
      ],
    } as const;
    const { destinations } = await lookUp('fed.test', { zone });
    expect(destinations[0]?.addresses).toEqual({
      host: 'b.fed.test',
      cname: 'c.fed.test',
      addresses: ['192.0.2.5'],
      error: undefined,
    });
    const { destinations: own } = await lookUp('b.fed.test:1', { zone });
    expect(own[0]?.addresses.cname).toBe('c.fed.test');
  });

  it('looks at 16 of 500 targets, the best, and says so', async () => {
    const records = Array.from({ length: 500 }, (_, i) => ['SRV', `${500 - i} 1 ${i + 1} t${i}.fed.test`] as const);
    const resolution = await lookUp('fed.test', { zone: { 'SRV _matrix-fed._tcp.fed.test': records } });
    expect(resolution.srv[0]?.records.length).toBe(500);
    expect(placesOf(resolution)).toEqual(
      Array.from({ length: 16 }, (_, i) => `t${499 - i}.fed.test:${500 - i}=127.0.0.1`),
    );
    expect(resolution.trace.at(-1)?.what).toMatch(/ and 13 more\. The other 484 targets are passed over\.$/);
  });

  it('draws targets of one priority by weight with the dice of the system', async () => {
    const records = ['1 1 1 a.fed.test', '1 1 2 b.fed.test', '1 2 3 c.fed.test'].map((data) => ['SRV', data] as const);
    network.set({ zone: { 'SRV _matrix-fed._tcp.fed.test': records } });
    const orders = await Promise.all(
      [0x00, 0x80, 0xff].map(async (byte) => {
        const system = { ...network.system, randomBytes: (length: number) => Buffer.alloc(length, byte) };
        const deps = { ...network, system };
        return placesOf(await resolve(named('fed.test'), deps, { ...network, allowPrivate: true }, signal)).map(
          (place) => place[0],
        );
      }),
    );
    expect(orders.map((order) => order.join(''))).toEqual(['abc', 'bca', 'cba']);
  });

  it('tells a failed lookup from a missing record', async () => {
    const { srv, trace } = await lookUp('fed.test', { zone: { 'SRV _matrix-fed._tcp.fed.test': 'SERVFAIL' } });
    expect(srv.map(({ error }) => error)).toEqual([expect.stringContaining('SERVFAIL'), undefined]);
    expect(trace.map(({ what }) => what).join('\n')).toMatch(
      /lookup of _matrix-fed.* failed: no answer from .*SERVFAIL/,
    );
  });

  it('ends when it is told to', async () => {
    network.set({ zone: { 'A fed.test': 'silence', 'AAAA fed.test': 'silence' } });
    const enough = AbortSignal.timeout(100);
    await expect(resolve(named('fed.test'), network, { ...network, allowPrivate: true }, enough)).rejects.toMatchObject(
      {
        name: 'TimeoutError',
      },
    );
  });

  it('says which DNS server is silent, and goes on', async () => {
    const silence = Object.fromEntries(
      ['A fed.test', 'AAAA fed.test', 'SRV _matrix-fed._tcp.fed.test', 'SRV _matrix._tcp.fed.test'].map(
        (question) => [question, 'silence'] as const,
      ),
    );
    const { step, destinations, srv } = await lookUp('fed.test', { zone: silence });
    expect(step).toBe('6');
    expect(destinations[0]?.addresses).toMatchObject({ addresses: [], error: expect.stringContaining('in time') });
    expect(srv[0]?.error).toContain(network.dnsAddress);
  });

  it('goes where --connect-to says, and still expects the same certificate and Host', async () => {
    const connectTo = [mapping('fed.test:8448:b.fed.test:18448'), ...network.connectTo];
    const { destinations, hostHeader, certificateName } = await lookUp('fed.test', {}, true, connectTo);
    expect(destinations[0]).toMatchObject({ host: 'b.fed.test', port: 18_448 });
    expect({ hostHeader, certificateName }).toEqual({ hostHeader: 'fed.test', certificateName: 'fed.test' });
  });
});
