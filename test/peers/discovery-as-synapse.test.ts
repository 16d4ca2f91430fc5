import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolve } from '../../src/discovery/resolve.ts';
import { DELEGATED, NOT_DELEGATED } from '../discovery/delegation-cases.ts';
import { BY_SERVICE, LITERALS } from '../discovery/direct-cases.ts';
import { says } from '../discovery/resolution-case.ts';
import { named, startTestNetwork, type TestNetwork, type World } from '../discovery/world.ts';
import { whyNoSynapse } from './synapse.ts';
import { type SynapseAgent, startSynapseAgent } from './synapse-agent.ts';

const missing = await whyNoSynapse();
if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') throw new Error(missing);

/** Not an address of the trio's, whose port 443 may be in use. */
const ADDRESS = '127.0.1.9';

/** Where Synapse knowingly does otherwise than the spec says: the case's title, and where Synapse goes. */
const OTHERWISE: Readonly<Record<string, { readonly why: string; readonly places: readonly string[] }>> = {
  'to a name with no such service': { why: 'Synapse does not recognise the dot', places: [':0'] },
  'where the service is not offered': { why: 'Synapse does not recognise the dot', places: [':0'] },
  'where a dot stands beside a target': { why: 'Synapse tries the dot as well', places: [':0', 'b.fed.test:2'] },
  'where the lookup of the new record fails': { why: 'Synapse gives up', places: [] },
  'where both lookups fail': { why: 'Synapse gives up', places: [] },
  'the key is a URL': { why: 'Synapse takes m.server as it is', places: ['https:8448'] },
  'the key has a path': { why: 'Synapse takes m.server as it is, without the path', places: ['b.fed.test:8448'] },
  'the key has a bad port': { why: 'Synapse takes m.server as it is, and fails', places: [] },
  'the key has a blank': { why: 'Synapse takes m.server as it is, and fails', places: [] },
  'the key is bare IPv6': { why: 'Synapse takes m.server as it is, and fails', places: [] },
  'the key is long': { why: 'Synapse takes m.server as it is, and fails', places: [] },
};

const CASES = [...LITERALS, ...DELEGATED, ...NOT_DELEGATED, ...BY_SERVICE];

it('each knowing difference belongs to a case', () => {
  const titles = CASES.map(({ title }) => title);
  expect(Object.keys(OTHERWISE).filter((title) => !titles.includes(title))).toEqual([]);
});

describe.skipIf(missing !== undefined)(
  `a server name leads where it leads Synapse${missing ? ` (${missing})` : ''}`,
  () => {
    let network: TestNetwork;
    let synapse: SynapseAgent;
    let folder: string;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'sidecar-discovery-'));
      network = await startTestNetwork({ address: ADDRESS, port: 443 });
      synapse = await startSynapseAgent(folder, network.dnsAddress, network.authority);
    });
    afterAll(async () => {
      await synapse?.close();
      await network?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    async function compare(serverName: string, world: World) {
      network.set(world);
      const resolution = await resolve(
        named(serverName),
        network,
        { allowPrivate: true },
        new AbortController().signal,
      );
      const said = await synapse.ask(serverName);
      return {
        wellKnown: resolution.wellKnown,
        said,
        ours: {
          places: resolution.destinations.map(({ host, port }) => `${host}:${port}`),
          host: resolution.hostHeader,
          certificate: resolution.certificateName,
        },
        theirs: {
          places: said.places.map(([host, port]) => `${host.toLowerCase()}:${port}`),
          host: said.host,
          certificate: said.certificate?.toLowerCase(),
        },
      };
    }

    it.each(CASES)('$serverName: $title', async (row) => {
      const { ours, theirs } = await compare(row.serverName, row);
      const otherwise = OTHERWISE[row.title];
      if (otherwise === undefined) expect(ours).toEqual(theirs);
      else expect(theirs.places, otherwise.why).toEqual(otherwise.places);
    });

    it.each([
      'max-age=3600',
      'public, Max-Age = 7200 ',
      'max-age=1',
      'max-age=-5',
      'max-age=31536000',
      'no-store',
      'max-age=7200, no-store',
      'no-cache, max-age=1200',
    ])('and is remembered as long, when Cache-Control is %s', async (header) => {
      const { wellKnown, said } = await compare('fed.test', {
        sites: { 'fed.test': says('b.fed.test', { 'cache-control': header }) },
      });
      expect((wellKnown?.cacheFor ?? 0) / 1000).toBe(said.remembers);
    });

    it.each<[string, Readonly<Record<string, string>>, number]>([
      ['nothing is said', {}, 0.11],
      ['max-age is quoted', { 'cache-control': 'max-age="7200"' }, 0.11],
      ['it expires in two hours', { expires: new Date(Date.now() + 7_200_000).toUTCString() }, 0.01],
      ['it expired', { expires: new Date(Date.now() - 7_200_000).toUTCString() }, 0],
      ['it expires at 0', { expires: '0' }, 0],
    ])('and is remembered about as long, when %s', async (_, headers, tolerance) => {
      const { wellKnown, said } = await compare('fed.test', { sites: { 'fed.test': says('b.fed.test', headers) } });
      const ours = (wellKnown?.cacheFor ?? 0) / 1000;
      expect(Math.abs(ours - (said.remembers ?? 0))).toBeLessThanOrEqual(tolerance * ours);
    });
  },
);
