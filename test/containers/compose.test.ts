import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readKeyDocument } from '../../src/matrix/key-document.ts';
import { askHttp1, type ClientAnswer, type Endpoint, PROTOCOLS } from '../peers/https-client.ts';
import { createComposeProject, README_SETUP, whyNoCompose } from './compose.ts';

const missing = await whyNoCompose();
if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('docker compose is here, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}

const SERVER_NAME = 'example.test';
const VARIABLES = { SERVER_NAME, CERTIFICATES: 'local', SYNAPSE_ADDRESS: '10.213.7.20' };
/** Run inside the container, which has no shell: prints the development CA. */
const PRINT_AUTHORITY = `require('node:fs').readFileSync('/var/lib/matrix-sidecar/development-ca/root.pem', 'utf8')`;
/** Bytes; what README.md says of the image, and room for the next Node. */
const LARGEST_IMAGE = 200_000_000;
const VERSIONS = '/_matrix/client/versions';
const json = (answer: ClientAnswer): unknown => JSON.parse(answer.body.toString('utf8'));
const get = (endpoint: Endpoint, path: string): Promise<ClientAnswer> => askHttp1(endpoint, { method: 'GET', path });

/** Asks again until the status is the wanted one, for at most this many seconds. */
async function waitForStatus(endpoint: Endpoint, path: string, wanted: number, seconds: number): Promise<ClientAnswer> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await get(endpoint, path);
    if (answer.status === wanted || performance.now() > end) return answer;
    await sleep(500);
  }
}

// The reporter folds a suite that is skipped as a whole, its name included.
if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`The compose set-up of the README${why}`, () => {
  const name = `sidecar-test-${process.pid}`;
  let project = createComposeProject(name, README_SETUP, VARIABLES);
  let clients: Endpoint;
  let federation: Endpoint;

  beforeAll(async () => {
    await project.compose('build', '--quiet');
    await project.compose('run', '--rm', '--no-deps', '--no-TTY', 'synapse', 'generate');
    await project.compose('up', '--detach', '--wait', '--wait-timeout', '120');
    const ca = [await project.evaluate(PRINT_AUTHORITY)];
    clients = { address: '127.0.0.1', port: 18_443, name: SERVER_NAME, ca };
    federation = { address: '127.0.0.1', port: 18_448, name: SERVER_NAME, ca };
  });
  afterAll(async () => {
    await project.close();
  });

  test('is healthy, sidecar and Synapse', async () => {
    for (const service of ['sidecar', 'synapse']) {
      const container = await project.containerOf(service);
      expect([service, await project.inspect(container, '{{.State.Health.Status}}')]).toEqual([service, 'healthy']);
    }
  });

  test.each(PROTOCOLS)('answers over %s with a certificate of its development CA', async (_, ask) => {
    const versions = await ask(clients, { method: 'GET', path: VERSIONS });
    expect(json(versions)).toMatchObject({ versions: expect.arrayContaining(['v1.11']) });
    const version = await ask(federation, { method: 'GET', path: '/_matrix/federation/v1/version' });
    expect(json(version)).toMatchObject({ server: { name: 'Synapse' } });
  });

  test("publishes Synapse's own signed key document on the federation port", async () => {
    const keys = await get(federation, '/_matrix/key/v2/server');
    expect(readKeyDocument(json(keys), SERVER_NAME, Date.now())).toMatchObject({ ok: true });
  });

  test('answers the client well-known document, and none for the server without delegation', async () => {
    const client = await get(clients, '/.well-known/matrix/client');
    expect(json(client)).toMatchObject({ 'm.homeserver': { base_url: expect.stringContaining(SERVER_NAME) } });
    expect((await get(clients, '/.well-known/matrix/server')).status).toBe(404);
  });

  test('redirects plain HTTP to HTTPS', async () => {
    const answer = await fetch('http://127.0.0.1:18080/', { redirect: 'manual', headers: { Host: SERVER_NAME } });
    expect([answer.status, answer.headers.get('location')?.startsWith('https://')]).toEqual([301, true]);
  });

  test('runs without root, without capabilities, on a root file system that cannot be written', async () => {
    expect(Number(await project.evaluate('process.getuid()'))).toBeGreaterThan(0);
    const status = await project.evaluate(`require('fs').readFileSync('/proc/1/status', 'utf8')`);
    expect(status).toMatch(/^Cap(Eff|Bnd):\s+0{16}$/m);
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    const write = `try { require('fs').writeFileSync('/app/x', ''); 'written' } catch (error) { error.code }`;
    expect(await project.evaluate(write)).toBe('EROFS');
  });

  test('has an image that is as small as the README says', async () => {
    const image = await project.inspect(await project.containerOf('sidecar'), '{{.Image}}');
    const size = Number(await project.inspect(image, '{{.Size}}'));
    expect(size).toBeGreaterThan(50_000_000);
    expect(size).toBeLessThan(LARGEST_IMAGE);
  });

  test('has a bill of materials where its label says: libraries, Node.js, and what both are linked with', async () => {
    const container = await project.containerOf('sidecar');
    const file = await project.inspect(container, '{{index .Config.Labels "matrix-sidecar.sbom"}}');
    const bill = JSON.parse(await project.evaluate(`require('fs').readFileSync('${file}', 'utf8')`)) as {
      components: readonly {
        purl: string;
        version: string;
        components?: readonly { name: string; version: string }[];
      }[];
    };
    const kinds = new Set(bill.components.map(({ purl }) => /^pkg:[a-z]+/.exec(purl)?.[0]));
    expect([...kinds].sort()).toEqual(['pkg:deb', 'pkg:generic', 'pkg:npm']);
    const versions = JSON.parse(await project.evaluate('JSON.stringify(process.versions)')) as Record<string, string>;
    const node = bill.components.find(({ purl }) => purl.startsWith('pkg:generic/node@'));
    expect(node?.version).toBe(versions['node']);
    expect(node?.components).toContainEqual(expect.objectContaining({ name: 'openssl', version: versions['openssl'] }));
    expect(bill.components.filter(({ purl }) => /^pkg:deb\/debian\/libc6@2\.\d+/.test(purl))).toHaveLength(1);
  });

  test('answers versions as Synapse last gave them while it is gone, and finds it again at another address', async () => {
    const moved = createComposeProject(name, README_SETUP, { ...VARIABLES, SYNAPSE_ADDRESS: '10.213.7.21' });
    // The sidecar asks for them ten seconds after its start, and every ten seconds as long as there are none.
    await sleep(15_000);
    await moved.compose('rm', '--stop', '--force', 'synapse');
    const meanwhile = await get(clients, VERSIONS);
    expect([meanwhile.status, json(meanwhile)]).toMatchObject([200, { versions: expect.any(Array) }]);
    project = moved;
    await project.compose('up', '--detach', '--wait', '--no-deps', 'synapse');
    const address = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    expect(await project.inspect(await project.containerOf('synapse'), address)).toBe('10.213.7.21');
    expect((await waitForStatus(clients, VERSIONS, 200, 30)).status).toBe(200);
  });

  test('ends with exit code 0 when it is stopped, before the engine would kill it', async () => {
    const started = performance.now();
    await project.compose('stop', 'sidecar');
    expect((performance.now() - started) / 1000).toBeLessThan(35);
    expect(await project.inspect(await project.containerOf('sidecar'), '{{.State.ExitCode}}')).toBe('0');
  });

  test('keeps its development CA when it is started again', async () => {
    await project.compose('up', '--detach', '--wait', 'sidecar');
    expect((await get(clients, VERSIONS)).status).toBe(200);
  });
});
