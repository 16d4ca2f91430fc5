import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookAtApex, lookAtFederation } from '../../src/app/look-outside.ts';
import type { Seen } from '../../src/app/look-record.ts';
import { realSystem } from '../../src/base/system.ts';
import { type Site, startTestNetwork, type TestNetwork, type World } from '../discovery/world.ts';
import { readConfig } from './test-config.ts';

const HEADERS = { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' };
const SERVER = '{"m.server":"matrix.fed.test:443"}';
const CLIENT = '{"m.homeserver":{"base_url":"https://matrix.fed.test"}}';
const site = (body: string, more: Partial<Site> = {}): Site => ({ status: 200, headers: HEADERS, body, ...more });

let network: TestNetwork;
beforeAll(async () => {
  network = await startTestNetwork();
});
afterAll(() => network.close());

const config = readConfig(
  'servers: [{ server_name: site.fed.test, homeserver: "http://s:8008", delegate_to: "matrix.fed.test:443", apex: elsewhere }]',
);

async function lookAt(what: 'apex' | 'federation', world: World): Promise<Seen> {
  network.set(world);
  const eyes = { ...network, system: realSystem };
  const signal = AbortSignal.timeout(20_000);
  const server = config.servers[0]!;
  if (what === 'apex') return lookAtApex(server, config, eyes, signal);
  return lookAtFederation(server, { reach: 'public', ownAuthority: true }, eyes, signal);
}

const sites = (server: Site | undefined, client: Site | undefined): World => ({
  sites: {
    ...(server === undefined ? {} : { 'site.fed.test/.well-known/matrix/server': server }),
    ...(client === undefined ? {} : { 'site.fed.test/.well-known/matrix/client': client }),
  },
});

describe('the documents of an apex elsewhere', () => {
  it.each<[string, World, object]>([
    ['are good when they are those of the sidecar', sites(site(SERVER), site(` ${CLIENT}\n`)), { kind: 'good' }],
    [
      'have drifted when they say something else, and the fix is what to publish',
      sites(site('{"m.server":"old.fed.test"}'), site(CLIENT)),
      {
        kind: 'bad',
        sure: true,
        message: expect.stringContaining('old.fed.test'),
        fix: expect.stringContaining(SERVER),
      },
    ],
    [
      'have drifted when browsers cannot read them any more',
      sites(site(SERVER), site(CLIENT, { headers: { 'Content-Type': 'application/json' } })),
      { kind: 'bad', sure: true, message: expect.stringContaining('Access-Control-Allow-Origin') },
    ],
    [
      'have drifted when they are gone, and more than one thing is',
      sites(site('Not found', { status: 404 }), site('<html>')),
      { kind: 'bad', sure: true, message: expect.stringMatching(/404.*not the only thing/) },
    ],
    [
      'are as good with the label that static hosts give them',
      sites(
        site(SERVER, { headers: { ...HEADERS, 'Content-Type': 'application/octet-stream' } }),
        site(CLIENT, { headers: { ...HEADERS, 'Content-Type': 'application/octet-stream' } }),
      ),
      { kind: 'good' },
    ],
  ])('%s', async (_what, world, expected) => {
    expect(await lookAt('apex', world)).toMatchObject(expected);
  });
});

describe('federation', () => {
  it('is looked at with discovery and tester, and a name that is in no public DNS is not judged by it', async () => {
    const seen = await lookAt('federation', sites(site('no JSON'), undefined));
    expect(seen).toMatchObject({
      kind: 'bad',
      sure: false,
      message: expect.stringContaining('cannot federate with site.fed.test'),
    });
  });
});
