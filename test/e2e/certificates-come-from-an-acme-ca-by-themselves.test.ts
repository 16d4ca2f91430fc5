import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BOOTSTRAP_NAME } from '../../src/acme/bootstrap-certificate.ts';
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';
import { type ScriptedCa, startScriptedCa } from '../harness/scripted-ca.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';

let folder: string;
let ca: ScriptedCa;
let dns: TestDnsServer;
const running: TestSidecar[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sidecar-acme-'));
  ca = await startScriptedCa();
  dns = await startDnsServer((_name, type) => (type === 'A' ? [['A', '127.0.0.1']] : []));
  await writeFile(join(folder, 'ca.pem'), ca.caPem);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((sidecar) => sidecar.close()));
  await ca.close();
  await dns.close();
  await rm(folder, { recursive: true, force: true });
});

async function until(holds: () => boolean | Promise<boolean>, patience = 30_000): Promise<void> {
  for (const end = performance.now() + patience; !(await holds()); ) {
    if (performance.now() > end) throw new Error(`not within ${patience} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** With its http listener where the CA validates http-01. */
async function start(more = ''): Promise<TestSidecar> {
  const sidecar = await startTestSidecar(
    `
servers: [{ server_name: example.test, homeserver: "http://127.0.0.1:9", delegate_to: "matrix.example.test:443" }]
certificates: acme
acme: { directory: "${ca.directoryUrl}", ca_file: "${join(folder, 'ca.pem')}", challenges: [http-01], resolvers: ["${dns.address}"]${more} }
`,
    { folder },
  );
  running.push(sidecar);
  ca.rules.httpPort = sidecar.http;
  return sidecar;
}

/** The issuer's common name of what is served for a server name. */
function servedIssuer(sidecar: TestSidecar, servername = 'example.test'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: sidecar.https, servername, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerX509Certificate()?.issuer ?? ''));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

const isReal = async (sidecar: TestSidecar): Promise<boolean> =>
  !(await servedIssuer(sidecar)).includes(BOOTSTRAP_NAME);

it('from nothing, with a bootstrap certificate until then, and both names on it', async () => {
  const { validate } = ca.rules;
  // Until it has been looked at; a CA that is away would be asked again later and later.
  const looked = Promise.withResolvers<void>();
  ca.rules.validate = (facts) => looked.promise.then(() => validate(facts));
  const sidecar = await start();
  expect(await servedIssuer(sidecar)).toContain(BOOTSTRAP_NAME);
  looked.resolve();
  await until(() => isReal(sidecar));
  const [certificate] = sidecar.sidecar.status().certificates;
  expect(certificate?.names).toEqual(['example.test', 'matrix.example.test']);
  expect(ca.count('new-order')).toBe(1);
});

it('after a restart from the store, without another order', async () => {
  const first = await start();
  await until(() => isReal(first));
  await until(async () => (await readdir(join(folder, 'certs/acme/certificates'))).length === 1);
  await first.close();
  running.length = 0;
  const second = await start();
  expect(await isReal(second)).toBe(true);
  expect(ca.count('new-order')).toBe(1);
});

it('with keys that only their owner can read', async () => {
  const sidecar = await start();
  await until(() => isReal(sidecar));
  await until(async () => (await readdir(join(folder, 'certs/acme/certificates'))).length === 1);
  // What is being written comes and goes under a name of its own.
  await sidecar.close();
  const files = (await readdir(join(folder, 'certs'), { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const modes = await Promise.all(
    files.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).mode & 0o077),
  );
  expect(files.length).toBeGreaterThan(2);
  expect(modes.every((mode) => mode === 0)).toBe(true);
});

it('for two sidecars that share a store by one order, and both serve it', async () => {
  const [one, two] = [await start(), await start()];
  ca.rules.httpPort = two.http;
  await until(async () => (await isReal(one)) && (await isReal(two)), 15_000);
  expect(ca.count('new-order')).toBe(1);
});

it('not at all while DNS says that the name leads nowhere, and without an order', async () => {
  await dns.close();
  dns = await startDnsServer(() => 'NXDOMAIN');
  const sidecar = await start();
  await until(() => sidecar.logged.some(({ sentence }) => sentence.includes('has neither an A nor an AAAA record')));
  expect(ca.count('new-order')).toBe(0);
  expect(await isReal(sidecar)).toBe(false);
});

it('no more often than the ledger allows when every start fails', async () => {
  ca.script('new-order', ...Array.from({ length: 20 }, () => ({ answer: { status: 503 } })));
  for (let restart = 0; restart < 4; restart++) {
    const sidecar = await start();
    await until(() => sidecar.logged.some(({ sentence }) => sentence.startsWith('No certificate from')) || restart > 0);
    await sidecar.close();
    running.length = 0;
  }
  expect(ca.count('new-order')).toBe(1);
  const ledger = JSON.parse(await readFile(join(folder, 'certs/acme/ledger.json'), 'utf8')) as { orders: unknown[] };
  expect(ledger.orders).toHaveLength(1);
});
