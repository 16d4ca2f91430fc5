import { afterEach, describe, expect, it } from 'vitest';
import { createDnsClient } from '../../src/base/dns.ts';
import { type DnsAnswer, startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';

let server: TestDnsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function clientOf(decide: (name: string, type: string, over: 'udp' | 'tcp') => DnsAnswer) {
  server = await startDnsServer(decide);
  return createDnsClient({ servers: [server.address] });
}

describe('questions to the DNS', () => {
  it('are answered with the records', async () => {
    const long = 'x'.repeat(300);
    const zone: Readonly<Record<string, DnsAnswer>> = {
      'TXT t.test': [
        ['TXT', 'one'],
        ['TXT', long],
      ],
      'CNAME c.test': [['CNAME', 'target.test']],
      'NS z.test': [
        ['NS', 'ns1.test'],
        ['NS', 'ns2.test'],
      ],
      'SOA z.test': [['SOA', 'ns1.test admin.test 7 1 2 3 4']],
      'CAA z.test': [
        ['CAA', '0 issue ca.test; accounturi=https://ca.test/1'],
        ['CAA', '128 issuewild ;'],
        ['CAA', '128 tbs Unknown'],
      ],
      'A z.test': [['A', '192.0.2.1']],
      'AAAA z.test': [['AAAA', '2001:0db8:0000:0000:0000:0000:0000:0001']],
    };
    const dns = await clientOf((name, type) => zone[`${type} ${name}`] ?? []);
    expect(await dns.resolveTxt('t.test')).toEqual(['one', long]);
    expect(await dns.resolveCname('c.test')).toBe('target.test');
    expect([...(await dns.resolveNs('z.test'))].sort()).toEqual(['ns1.test', 'ns2.test']);
    expect(await dns.resolveSoa('z.test')).toEqual({ primary: 'ns1.test', serial: 7 });
    expect(await dns.resolveCaa('z.test')).toEqual([
      { critical: false, tag: 'issue', value: 'ca.test; accounturi=https://ca.test/1' },
      { critical: true, tag: 'issuewild', value: ';' },
      { critical: true, tag: 'tbs', value: 'Unknown' },
    ]);
    expect(await dns.resolveAddresses('z.test')).toEqual(['192.0.2.1', '2001:db8::1']);
  });

  it.each(['NXDOMAIN', []] as const)('about what does not exist are answered with nothing: %j', async (answer) => {
    const dns = await clientOf(() => answer);
    expect(await dns.resolveTxt('a.test')).toEqual([]);
    expect(await dns.resolveCname('a.test')).toBeUndefined();
    expect(await dns.resolveNs('a.test')).toEqual([]);
    expect(await dns.resolveSoa('a.test')).toBeUndefined();
    expect(await dns.resolveCaa('a.test')).toEqual([]);
    expect(await dns.resolveAddresses('a.test')).toEqual([]);
  });

  it('about addresses fail when one of the two does and the other finds none: that is not "there are none"', async () => {
    const dns = await clientOf((_, type) => (type === 'A' ? 'SERVFAIL' : []));
    await expect(dns.resolveAddresses('a.test')).rejects.toMatchObject({ code: 'dns-failed' });
  });

  it.each([
    ['SERVFAIL', /TXT a\.test: it failed to find out \(SERVFAIL\)/],
    ['REFUSED', /it refuses to answer \(REFUSED\)/],
  ] as const)('that fail with %s say so', async (answer, message) => {
    const dns = await clientOf(() => answer);
    const failure = await dns.resolveTxt('a.test').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'dns-failed', blame: 'remote' });
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message).toContain(server!.address);
  });

  it('are asked by TCP when the answer does not fit a datagram', async () => {
    const dns = await clientOf((_, __, over) => (over === 'udp' ? 'truncated' : [['TXT', 'large']]));
    expect(await dns.resolveTxt('a.test')).toEqual(['large']);
    expect(server!.questions).toEqual(['udp TXT a.test', 'tcp TXT a.test']);
  });

  it('are asked anew every time', async () => {
    let round = 0;
    const dns = await clientOf(() => [['TXT', String(++round)]]);
    expect([await dns.resolveTxt('a.test'), await dns.resolveTxt('a.test')]).toEqual([['1'], ['2']]);
  });

  it('go to the server that the question names', async () => {
    const other = await startDnsServer(() => [['TXT', 'other']]);
    const dns = await clientOf(() => [['TXT', 'own']]);
    expect(await dns.resolveTxt('a.test', { server: other.address })).toEqual(['other']);
    expect(await dns.resolveTxt('a.test')).toEqual(['own']);
    await other.close();
  });

  it('end at once when they are aborted, alone', async () => {
    const dns = await clientOf((name) => (name === 'slow.test' ? 'silence' : [['TXT', 'fast']]));
    const abort = new AbortController();
    const slow = dns.resolveTxt('slow.test', { signal: abort.signal }).catch((error: unknown) => error);
    expect(await dns.resolveTxt('a.test')).toEqual(['fast']);
    abort.abort(new Error('stopping'));
    expect(await slow).toMatchObject({ message: 'stopping' });
    const late = dns.resolveTxt('a.test', { signal: abort.signal });
    await expect(late).rejects.toThrow('stopping');
  });

  it('are asked twice, and given up when nobody answers', async () => {
    server = await startDnsServer(() => 'silence');
    const dns = createDnsClient({ servers: [server.address], timeout: 100 });
    await expect(dns.resolveTxt('a.test')).rejects.toThrow(/did not answer in time/);
    expect(server.questions).toEqual(['udp TXT a.test', 'udp TXT a.test']);
  });

  it.each(['no address', '127.0.0.1:99999'])('to %j fail, and say why', async (address) => {
    const dns = createDnsClient({ servers: [address] });
    await expect(dns.resolveTxt('a.test')).rejects.toMatchObject({ code: 'dns-failed' });
  });
});
