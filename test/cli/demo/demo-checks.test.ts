import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Upstream } from '../../../src/base/address.ts';
import { describeError } from '../../../src/base/errors.ts';
import { bad, good, type Parsed } from '../../../src/base/parsed.ts';
import { realSystem } from '../../../src/base/system.ts';
import { checkEachOther } from '../../../src/cli/demo/check-each-other.ts';
import { type DemoScene, listDemoChecks } from '../../../src/cli/demo/demo-checks.ts';
import { createDemoDiscovery } from '../../../src/cli/demo/demo-discovery.ts';
import { startDemoDns } from '../../../src/cli/demo/demo-dns.ts';
import { type DemoServer, fetchServerKeys } from '../../../src/cli/demo/demo-server.ts';
import { createStandInHomeserver } from '../../../src/cli/demo/stand-in-homeserver.ts';
import type { ConnectTo } from '../../../src/discovery/connect-to.ts';
import type { KeyDocument } from '../../../src/matrix/key-document.ts';
import { parseServerName, type ServerName } from '../../../src/matrix/server-name.ts';
import { type Authority, createAuthority, createEdge, type Fault } from './edge.ts';

const FREE_PORT: Upstream = { kind: 'tcp', host: '127.0.0.1', port: 0, text: 'http://127.0.0.1:0' };
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let authority: Authority;
beforeAll(() => {
  authority = createAuthority();
});

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

/** Two servers behind edges, found by DNS: one by its name and port 8448, one by well-known. */
async function buildScene(fault?: Fault): Promise<DemoScene> {
  const [one, two, delegate] = ['one.test', 'two.test', 'matrix.two.test'] as const;
  const dns = await startDemoDns({
    zones: [one, two],
    records: [one, two, delegate].map((name) => ({ name, type: 'A', address: '127.0.0.1' }) as const),
  });
  open.push(dns);
  const servers: DemoServer[] = [];
  const connectTo: ConnectTo[] = [];
  const discovery = createDemoDiscovery({ dns: dns.text, ca: authority.ca, connectTo }, { system: realSystem });
  const fetchKeys = (name: ServerName): Promise<Parsed<KeyDocument>> =>
    fetchServerKeys(name, discovery, authority.ca, Date.now()).then(good, (error: unknown) =>
      bad(describeError(error)),
    );
  const add = async (text: string, step: '6' | '3.2', sni: string): Promise<void> => {
    const wellKnown: Record<string, object> = {};
    let upstream = FREE_PORT;
    const edge = await createEdge({ authority, names: [text, sni], upstream: () => upstream, wellKnown, fault });
    const serverName = mustParse(text);
    const homeserver = await createStandInHomeserver(
      { serverName, listen: FREE_PORT, fetchKeys },
      { system: realSystem, log },
    );
    upstream = homeserver.upstream;
    open.push(edge, homeserver);
    const hostHeader = step === '6' ? text : `${sni}:${edge.port}`;
    if (step === '3.2') {
      wellKnown['server'] = { 'm.server': hostHeader };
      wellKnown['client'] = { 'm.homeserver': { base_url: `https://${hostHeader}` } };
    }
    for (const fromPort of [443, 8448])
      connectTo.push({ fromHost: text, fromPort, toHost: undefined, toPort: edge.port });
    const web = { host: '127.0.0.1', port: edge.port, sni: text, hostHeader: text };
    const federation = { ...web, sni, hostHeader };
    servers.push({ serverName, way: step, step, federation, client: federation, web, homeserver });
  };
  await add(one, '6', one);
  await add(two, '3.2', delegate);
  return { servers, discovery, ca: authority.ca, system: realSystem };
}

function mustParse(text: string): ServerName {
  const parsed = parseServerName(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

/** Runs the checks whose title has these words: the titles of those that failed, with why. */
async function failures(words: string, fault: Fault): Promise<string> {
  const failed: string[] = [];
  const checks = listDemoChecks(await buildScene(fault)).filter(({ title }) => title.includes(words));
  for (const check of checks) {
    await check.run().catch((error: unknown) => failed.push(`${check.title}: ${describeError(error)}`));
  }
  return failed.join('\n');
}

describe('the demo\u2019s checks', () => {
  test('all pass behind an edge that does its work, and each says what it saw', async () => {
    const seen: string[] = [];
    for (const check of listDemoChecks(await buildScene())) seen.push(`${check.title}: ${await check.run()}`);
    expect(seen).toHaveLength(13);
    expect(seen.join('\n')).toMatch(/valid for matrix\.two\.test, issued by Test CA/);
    expect(seen.join('\n')).toMatch(/120000\d\d bytes, SHA-256/);
    expect(seen.join('\n')).toMatch(/502 .*M_UNKNOWN.*started again: 200/);
  });

  test.each<[Fault, string, RegExp]>([
    ['collapses slashes', 'no byte of its path changes', /answered 401.*does not match/],
    ['changes bodies', 'a signed body of 12 MB', /answered 401/],
    ['appends to X-Forwarded-For', 'X-Forwarded-For', /X-Forwarded-For is "6\.6\.6\.6, 127\.0\.0\.1"/],
    ['passes preflights on', 'preflight', /requests that reached the homeserver is 1/],
    ['speaks HTTP/1.1 only', 'HTTP/2', /the protocol agreed on \(ALPN\) is "http\/1\.1"/],
    ['answers 500 for a dead homeserver', 'dead line', /answered 500 in place of 502/],
    ['has no CORS on errors', 'dead line', /Access-Control-Allow-Origin is undefined/],
    ['delegates elsewhere', 'says where it is', /m\.server is "elsewhere\.example:443"/],
    ['has a certificate for another name', 'that its peers can verify', /(does not match|altnames)/],
  ])('notice an edge that %s', async (fault, words, why) => {
    expect(await failures(words, fault)).toMatch(why);
  });
});

describe('servers that check each other', () => {
  const { signal } = new AbortController();
  const meet = async (scene: DemoScene, from: 0 | 1, to: 0 | 1) =>
    checkEachOther(scene.servers[from]!, scene.servers[to]!, scene, signal);

  test('find each other by the step that is to be shown, and nothing is to be said', async () => {
    const scene = await buildScene();
    const [there, back] = [await meet(scene, 0, 1), await meet(scene, 1, 0)];
    expect([there.wrong, there.resolution?.step]).toEqual([undefined, '3.2']);
    expect([back.wrong, back.resolution?.step]).toEqual([undefined, '6']);
  });

  test.each<[Fault, RegExp]>([
    ['collapses slashes', /To do: Let the proxy leave the path alone/],
    ['delegates elsewhere', /^Federation with two\.test does not work: /],
    ['has a certificate for another name', /^Federation with two\.test does not work: /],
  ])('notice an edge that %s', async (fault, wrong) => {
    expect((await meet(await buildScene(fault), 0, 1)).wrong).toMatch(wrong);
  });

  test('say so when all is well but the way is another one, and when our signature is not accepted', async () => {
    const scene = await buildScene();
    const [one, two] = scene.servers as [DemoServer, DemoServer];
    const mistaken = await checkEachOther(one, { ...two, step: '4' }, scene, signal);
    expect(mistaken.wrong).toBe('two.test was found by step 3.2 and should be by 4.');
    const stranger = { ...one, serverName: mustParse('stranger.example') };
    const refused = await checkEachOther(stranger, two, scene, signal);
    expect(refused.wrong).toBe('two.test did not accept a signed request.');
  });

  test('end when they are told to', async () => {
    const scene = await buildScene();
    const [one, two] = scene.servers as [DemoServer, DemoServer];
    const stop = new AbortController();
    const met = checkEachOther(one, two, scene, stop.signal);
    stop.abort(new Error('enough'));
    await expect(met).rejects.toThrow('enough');
  });
});
