import { afterEach, describe, expect, it } from 'vitest';
import { createDnsClient } from '../../src/base/dns.ts';
import { realSystem, type System } from '../../src/base/system.ts';
import { createNames, type Names } from '../../src/discovery/names.ts';
import { type DnsAnswer, startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';

let server: TestDnsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const signal = new AbortController().signal;
const failing = (code: string): System => ({
  ...realSystem,
  lookup: () => Promise.reject(Object.assign(new Error(`getaddrinfo ${code}`), { code })),
});

/** Names by the machine's resolver, whose DNS server is ours. */
async function machine(decide: (name: string, type: string) => DnsAnswer, system: System = realSystem) {
  server = await startDnsServer(decide);
  return createNames({}, { system, dns: createDnsClient({ servers: [server.address], timeout: 150 }) });
}

describe('the addresses of a name', () => {
  it('come from the machine, hosts file and all, when no DNS server is given', async () => {
    const names = await machine((_, type) => (type === 'CNAME' ? [] : [['A', '192.0.2.1']]));
    const lookup = await names.lookupHost('localhost', signal);
    expect(lookup.addresses.length).toBeGreaterThan(0);
    expect(lookup.addresses.every((address) => address === '127.0.0.1' || address === '::1')).toBe(true);
    expect(server?.questions).toEqual(['udp CNAME localhost']);
  });

  it('come from the given DNS server and nobody else', async () => {
    server = await startDnsServer((_, type) => (type === 'A' ? [['A', '192.0.2.1']] : []));
    const names = createNames({ server: server.address }, { system: failing('EAI_FAIL'), dns: createDnsClient() });
    expect(await names.lookupHost('localhost', signal)).toMatchObject({ addresses: ['192.0.2.1'], error: undefined });
  });

  it('do not wait long for the answer whether the name is an alias', async () => {
    const names = await machine(() => 'silence');
    const before = Date.now();
    expect(await names.lookupHost('localhost', signal)).toMatchObject({ cname: undefined, error: undefined });
    expect(Date.now() - before).toBeLessThan(1500);
  });

  it.each([
    ['ENOTFOUND', undefined],
    ['EAI_NODATA', undefined],
    ['EAI_AGAIN', 'has no answer for now'],
    ['EAI_FAIL', 'resolver failed'],
    ['EMFILE', 'EMFILE'],
  ])('that the machine answers with %s are none, with or without an error', async (code, error) => {
    const lookup = await (await machine(() => [], failing(code))).lookupHost('a.test', signal);
    expect(lookup.addresses).toEqual([]);
    expect(lookup.error ?? '').toContain(error ?? '');
    expect(lookup.error === undefined).toBe(error === undefined);
  });

  it('are given up when the machine does not answer', async () => {
    const system: System = {
      ...realSystem,
      lookup: () => new Promise(() => {}),
      setTimer: (ms, fn) => realSystem.setTimer(ms / 100, fn),
    };
    const lookup = await (await machine(() => [], system)).lookupHost('a.test', signal);
    expect(lookup).toMatchObject({ addresses: [], error: 'the resolver did not answer within 10 s' });
  });

  it('are the literal itself for an address', async () => {
    const names = await machine(() => 'SERVFAIL');
    expect((await names.lookupHost('2001:db8::1', signal)).addresses).toEqual(['2001:db8::1']);
    expect(server?.questions).toEqual([]);
  });

  it('are cut to 32', async () => {
    server = await startDnsServer((_, type) =>
      type === 'A' ? Array.from({ length: 250 }, (__, i) => ['A', `192.0.2.${i}`] as const) : [],
    );
    const names = createNames({ server: server.address }, { system: realSystem, dns: createDnsClient() });
    expect((await names.lookupHost('a.test', signal)).addresses.length).toBe(32);
  });

  it.each(['a..b', '.a', `${'x'.repeat(64)}.test`, `${'x.'.repeat(127)}test`])(
    'of %s, which is no name, are none',
    async (host) => {
      server = await startDnsServer(() => []);
      const names = createNames(
        { server: server.address },
        { system: realSystem, dns: createDnsClient({ timeout: 150 }) },
      );
      expect(await names.lookupHost(host, signal)).toMatchObject({ addresses: [] });
      expect(await names.lookupSrv(`_matrix._tcp.${host}`, signal)).toMatchObject({ records: [] });
    },
  );
});

describe('whose fault it is that nothing is known', () => {
  const faults = async (names: Names) => {
    const addresses = await names.lookupHost('a.test', signal);
    const srv = await names.lookupSrv('_matrix._tcp.a.test', signal);
    expect([addresses.error, srv.error]).not.toContain(undefined);
    return [addresses.fault, srv.fault];
  };
  const given = async (decide: (name: string) => DnsAnswer) => {
    server = await startDnsServer(decide);
    const dns = createDnsClient({ timeout: 100 });
    return createNames({ server: server.address }, { system: realSystem, dns });
  };

  it.each<[string, (name: string) => DnsAnswer, string | undefined]>([
    ['a DNS server that is silent whatever it is asked', () => 'silence', 'silent'],
    [
      'the zone, if the DNS server knows the root',
      (name) => (name === '' ? [['NS', 'a.root.test']] : 'silence'),
      undefined,
    ],
    [
      'the zone, if the DNS server refuses to speak of the root',
      (name) => (name === '' ? 'REFUSED' : 'silence'),
      undefined,
    ],
    ['the zone, whose servers fail', () => 'SERVFAIL', undefined],
    ['a DNS server that is not for this name', () => 'REFUSED', 'refuses'],
  ])('%s', async (_, decide, fault) => {
    expect(await faults(await given(decide))).toEqual([fault, fault]);
  });

  it.each<[string, (name: string) => DnsAnswer, string | undefined]>([
    ['the machine’s DNS server, which is silent', () => 'silence', 'silent'],
    [
      'the zone, if the machine’s DNS server answers other questions',
      (name) => (name === '' ? [] : 'silence'),
      undefined,
    ],
  ])('%s', async (_, decide, fault) => {
    expect(await faults(await machine(decide, failing('EAI_AGAIN')))).toEqual([fault, fault]);
  });

  it('a DNS server that has just been silent is not asked again', async () => {
    const names = await given(() => 'silence');
    await names.lookupHost('a.test', signal);
    const asked = server?.questions.length;
    expect(await names.lookupHost('b.test', signal)).toMatchObject({ addresses: [], fault: 'silent' });
    expect(await names.lookupSrv('_matrix._tcp.b.test', signal)).toMatchObject({ records: [], fault: 'silent' });
    expect(server?.questions.length).toBe(asked);
  });

  it('the hosts file is read all the same', async () => {
    const names = await machine(() => 'silence');
    await names.lookupSrv('_matrix._tcp.a.test', signal);
    expect((await names.lookupHost('localhost', signal)).addresses.length).toBeGreaterThan(0);
  });
});

describe('a name that the DNS has no way to ask for', () => {
  it.each(['a..b', `${'x'.repeat(64)}.test`])('has nothing, and no server is blamed for it: %s', async (host) => {
    server = await startDnsServer(() => []);
    const names = createNames({ server: server.address }, { system: realSystem, dns: createDnsClient() });
    expect(await names.lookupHost(host, signal)).toMatchObject({ addresses: [], error: undefined });
    expect(await names.lookupSrv(`_matrix._tcp.${host}`, signal)).toMatchObject({ records: [], error: undefined });
    expect(server.questions).toEqual([]);
  });
});

describe('the records of a service', () => {
  it.each<[DnsAnswer, string | undefined]>([
    ['NXDOMAIN', undefined],
    [[], undefined],
    ['SERVFAIL', 'SERVFAIL'],
    ['REFUSED', 'REFUSED'],
    ['garbage', 'no answer from'],
    ['silence', 'it did not answer in time'],
  ])('when the answer is %j', async (answer, error) => {
    const names = await machine(() => answer);
    const lookup = await names.lookupSrv('_matrix._tcp.a.test', signal);
    expect(lookup.records).toEqual([]);
    expect(lookup.error ?? 'none').toContain(error ?? 'none');
  });

  it('are what the zone has, with a dot for the root', async () => {
    const names = await machine(() => [
      ['SRV', '10 5 443 M.test'],
      ['SRV', '0 0 0 .'],
    ]);
    expect(await names.lookupSrv('_matrix-fed._tcp.a.test', signal)).toEqual({
      name: '_matrix-fed._tcp.a.test',
      records: expect.arrayContaining([
        { target: 'M.test', port: 443, priority: 10, weight: 5 },
        { target: '.', port: 0, priority: 0, weight: 0 },
      ]),
      error: undefined,
    });
  });
});
