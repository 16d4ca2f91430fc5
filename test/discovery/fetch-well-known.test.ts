import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchWellKnown, fetchWellKnownAt } from '../../src/discovery/fetch-well-known.ts';
import { refusePrivateAddresses } from '../../src/discovery/refuse-private.ts';
import { resolve } from '../../src/discovery/resolve.ts';
import { moved, says } from './resolution-case.ts';
import { mapping, named, type Site, startTestNetwork, type TestNetwork, type World } from './world.ts';

let network: TestNetwork;
beforeAll(async () => {
  network = await startTestNetwork();
});
afterAll(() => network.close());

const signal = new AbortController().signal;

function fetchIt(world: World, more: { readonly allowPrivate?: boolean; readonly patience?: number } = {}) {
  network.set(world);
  return fetchWellKnown('fed.test', network, { connectTo: network.connectTo, allowPrivate: true, ...more }, signal);
}

describe('a well-known document', () => {
  it('comes with every hop on the way to it, each with its address and answer', async () => {
    const lookup = await fetchIt({
      sites: {
        'fed.test': moved(301, 'https://www.fed.test:443/a b?c'),
        'www.fed.test': moved(308, '//WWW2.fed.test/x'),
        'www2.fed.test': says('b.fed.test', { 'cache-control': 'max-age=3600' }),
      },
    });
    expect(lookup.result).toMatchObject({ ok: true, delegated: { text: 'b.fed.test' } });
    expect(lookup.cacheFor).toBe(3_600_000);
    expect(lookup.hops.map(({ url, address, outcome }) => [url, address, outcome?.ok && outcome.status])).toEqual([
      ['https://fed.test/.well-known/matrix/server', '127.0.0.1', 301],
      ['https://www.fed.test/a%20b?c', '127.0.0.1', 308],
      ['https://www2.fed.test/x', '127.0.0.1', 200],
    ]);
    expect(network.requests).toEqual([
      'fed.test /.well-known/matrix/server',
      'www.fed.test /a%20b?c',
      'www2.fed.test /x',
    ]);
  });

  it('that is not there may be remembered for an hour', async () => {
    expect((await fetchIt({})).cacheFor).toBe(3_600_000);
  });

  it('is asked for at the next address when nobody takes the connection at one', async () => {
    const zone = {
      'A fed.test': [
        ['A', '127.0.0.2'],
        ['A', '127.0.0.1'],
      ],
    } as const;
    const lookup = await fetchIt({ zone, sites: { 'fed.test': says('b.fed.test') } });
    expect(lookup.result.ok).toBe(true);
    expect(lookup.hops.map(({ address, outcome }) => [address, outcome?.ok])).toEqual([
      ['127.0.0.2', false],
      ['127.0.0.1', true],
    ]);
  });

  it('is asked for at no more than four addresses', async () => {
    const addresses = Array.from({ length: 20 }, (_, i) => ['A', `127.0.1.${i}`] as const);
    const lookup = await fetchIt({ zone: { 'A fed.test': addresses } });
    expect(lookup.result).toMatchObject({ ok: false, problem: 'connection' });
    expect(lookup.hops.length).toBe(4);
  });

  it('that drips or never ends is given up', async () => {
    const before = Date.now();
    const lookup = await fetchIt(
      {
        sites: {
          'fed.test': (_, response) => {
            const timer = setInterval(() => response.write(' '), 20);
            response.on('close', () => clearInterval(timer));
          },
        },
      },
      { patience: 400 },
    );
    expect(lookup.result).toMatchObject({
      ok: false,
      problem: 'connection',
      words: expect.stringContaining('in time'),
    });
    expect(Date.now() - before).toBeLessThan(2000);
    const endless = await fetchIt({
      sites: {
        'fed.test': (_, response) => {
          const go = (): void => {
            while (!response.destroyed && response.write('x'.repeat(10_000))) {}
          };
          response.on('drain', go);
          go();
        },
      },
    });
    expect(endless.result).toMatchObject({ ok: false, problem: 'too-large' });
  });

  it('behind redirects that are slow has one deadline for all of them', async () => {
    const slow: Site = (request, response) => {
      setTimeout(() => response.writeHead(302, { location: `/x${request.url}` }).end(), 100);
    };
    const lookup = await fetchIt({ sites: { 'fed.test': slow } }, { patience: 450 });
    expect(lookup.result).toMatchObject({ ok: false, problem: 'connection' });
    expect(lookup.hops.length).toBeLessThanOrEqual(6);
  });

  it('is compared address by address, redirects not followed', async () => {
    network.set({ sites: { 'fed.test': moved(302, 'https://www.fed.test/') } });
    const at = { address: '127.0.0.1', port: network.httpsPort };
    const hop = await fetchWellKnownAt('fed.test', at, network, { allowPrivate: true }, signal);
    expect(hop).toMatchObject({ address: '127.0.0.1', outcome: { ok: true, status: 302 }, refused: undefined });
    const nobody = await fetchWellKnownAt(
      'fed.test',
      { ...at, address: '127.0.0.2' },
      network,
      { allowPrivate: true },
      signal,
    );
    expect(nobody.outcome).toMatchObject({ ok: false, failure: 'refused' });
    const refused = await fetchWellKnownAt('fed.test', at, network, { allowPrivate: false }, signal);
    expect(refused).toMatchObject({
      outcome: undefined,
      refused: expect.stringContaining('127.0.0.1 is of the machine'),
    });
  });
});

describe('what is done for strangers', () => {
  it.each([
    ['A', '127.0.0.1'],
    ['A', '10.1.2.3'],
    ['A', '169.254.169.254'],
    ['A', '100.64.0.1'],
    ['A', '0.0.0.0'],
    ['AAAA', '::1'],
    ['AAAA', 'fe80::1'],
    ['AAAA', 'fd00::1'],
    ['AAAA', '0:0:0:0:0:ffff:7f00:1'],
  ] as const)('asks for no well-known document at %s %s', async (type, address) => {
    const lookup = await fetchIt(
      { zone: { 'A fed.test': [], [`${type} fed.test`]: [[type, address]] } },
      { allowPrivate: false },
    );
    expect(lookup.result).toMatchObject({ ok: false, problem: 'private-address' });
    expect(lookup.hops).toMatchObject([
      { outcome: undefined, refused: expect.stringContaining('only public addresses') },
    ]);
    expect(network.requests).toEqual([]);
  });

  it.each([
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://inner.fed.test/',
  ])('follows no redirect to %s', async (location) => {
    network.set({ sites: { 'fed.test': moved(302, location) } });
    // The first hop is at a public address, as far as anyone can tell.
    const names = {
      ...network.names,
      lookupHost: async (host: string, stop: AbortSignal) => {
        const lookup = await network.names.lookupHost(host, stop);
        return host === 'fed.test' ? { ...lookup, addresses: ['1.1.1.1'] } : lookup;
      },
    };
    const asked: string[] = [];
    const https: TestNetwork['https'] = {
      request(request, options) {
        asked.push(request.address);
        return network.https.request({ ...request, address: '127.0.0.1' }, options);
      },
    };
    const options = { connectTo: network.connectTo, allowPrivate: false };
    const lookup = await fetchWellKnown('fed.test', { ...network, names, https }, options, signal);
    expect(lookup.result).toMatchObject({ ok: false, problem: 'private-address' });
    expect(asked).toEqual(['1.1.1.1']);
  });

  it('asks only the public ones of mixed addresses', async () => {
    const zone = {
      'A fed.test': [
        ['A', '127.0.0.1'],
        ['A', '255.255.255.255'],
        ['A', '10.0.0.1'],
      ],
    } as const;
    const lookup = await fetchIt({ zone }, { allowPrivate: false });
    expect(lookup.result).toMatchObject({ ok: false, problem: 'private-address' });
    expect(network.requests).toEqual([]);
  });

  it('connects nowhere private whatever is asked of the exchange', async () => {
    network.set({ sites: { 'fed.test': says('b.fed.test') } });
    const guarded = refusePrivateAddresses(network.https);
    const hop = await fetchWellKnownAt(
      'fed.test',
      { address: '127.0.0.1', port: network.httpsPort },
      { https: guarded },
      { allowPrivate: true },
      signal,
    );
    expect(hop.outcome).toMatchObject({
      ok: false,
      failure: 'unreachable',
      words: expect.stringContaining('only public'),
    });
    expect(network.requests).toEqual([]);
  });

  it('still says where a private server would be', async () => {
    network.set({});
    const { destinations } = await resolve(named('fed.test:8448'), network, { allowPrivate: false }, signal);
    expect(destinations[0]?.addresses.addresses).toEqual(['127.0.0.1']);
    expect(mapping(':::')).toEqual({});
  });
});
