import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Upstream } from '../../../src/base/address.ts';
import { describeError } from '../../../src/base/errors.ts';
import { bad, good } from '../../../src/base/parsed.ts';
import { realSystem } from '../../../src/base/system.ts';
import { listDemoChecks } from '../../../src/cli/demo/demo-checks.ts';
import { type DemoServer, fetchServerKeys } from '../../../src/cli/demo/demo-server.ts';
import { createStandInHomeserver } from '../../../src/cli/demo/stand-in-homeserver.ts';
import { parseServerName } from '../../../src/matrix/server-name.ts';
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

/** Two servers behind edges: a bare address with a port, and a name that delegates by well-known. */
async function buildScene(fault?: Fault) {
  const servers: DemoServer[] = [];
  const add = async (kind: 'address' | 'delegated'): Promise<void> => {
    const host = kind === 'address' ? '127.0.0.1' : 'two.localhost';
    const delegate = `matrix.${host}`;
    const wellKnown: Record<string, object> = {};
    let upstream = FREE_PORT;
    const names = kind === 'address' ? [host] : [host, delegate];
    const edge = await createEdge({ authority, names, upstream: () => upstream, wellKnown, fault });
    const text = kind === 'address' ? `${host}:${edge.port}` : host;
    const parsed = parseServerName(text);
    if (!parsed.ok) throw new Error(parsed.why);
    const homeserver = await createStandInHomeserver(
      {
        serverName: parsed.value,
        listen: FREE_PORT,
        fetchKeys: async (name) => {
          const peer = servers.find((each) => each.serverName.text === name.text);
          if (peer === undefined) return bad('it is not part of this');
          return fetchServerKeys(peer, authority.ca, Date.now()).then(good, (error: unknown) =>
            bad(describeError(error)),
          );
        },
      },
      { system: realSystem, log },
    );
    upstream = homeserver.upstream;
    open.push(edge, homeserver);
    const hostHeader = kind === 'address' ? text : `${delegate}:${edge.port}`;
    if (kind === 'delegated') {
      wellKnown['server'] = { 'm.server': hostHeader };
      wellKnown['client'] = { 'm.homeserver': { base_url: `https://${hostHeader}` } };
    }
    const route = { host: '127.0.0.1', port: edge.port, sni: kind === 'address' ? undefined : delegate, hostHeader };
    servers.push({
      serverName: parsed.value,
      way: kind,
      federation: route,
      client: route,
      httpsPort: edge.port,
      homeserver,
    });
  };
  await add('address');
  await add('delegated');
  return { servers, ca: authority.ca, system: realSystem };
}

/** Runs all checks: the titles of those that failed, with why. */
async function failures(fault?: Fault): Promise<string[]> {
  const failed: string[] = [];
  for (const check of listDemoChecks(await buildScene(fault))) {
    await check.run().catch((error: unknown) => failed.push(`${check.title}: ${describeError(error)}`));
  }
  return failed;
}

describe('the demo\u2019s checks', () => {
  test('all pass behind an edge that does its work, and each says what it saw', async () => {
    const seen: string[] = [];
    for (const check of listDemoChecks(await buildScene())) seen.push(`${check.title}: ${await check.run()}`);
    expect(seen).toHaveLength(13);
    expect(seen.join('\n')).toMatch(/valid for the address 127\.0\.0\.1, asked without SNI, issued by Test CA/);
    expect(seen.join('\n')).toMatch(/120000\d\d bytes, SHA-256/);
    expect(seen.join('\n')).toMatch(/502 .*M_UNKNOWN.*started again: 200/);
  });

  test.each<[Fault, RegExp]>([
    ['collapses slashes', /no byte of its path changes: answered 401.*does not match/],
    ['changes bodies', /a signed body of 12 MB .*answered 401/],
    ['appends to X-Forwarded-For', /X-Forwarded-For is "6\.6\.6\.6, 127\.0\.0\.1"/],
    ['passes preflights on', /requests that reached the homeserver is 1/],
    ['speaks HTTP/1.1 only', /HTTP\/2: the protocol agreed on \(ALPN\) is "http\/1\.1"/],
    ['answers 500 for a dead homeserver', /dead line: answered 500 in place of 502/],
    ['has no CORS on errors', /dead line: Access-Control-Allow-Origin is undefined/],
    ['delegates elsewhere', /says where it is.*m\.server is "elsewhere\.example:443"/],
    ['has a certificate for another name', /that its peers can verify: .*(does not match|altnames)/],
  ])('notice an edge that %s', async (fault, why) => {
    const failed = await failures(fault);
    expect(failed.join('\n')).toMatch(why);
  });
});
