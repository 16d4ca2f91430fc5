import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRfc2136Provider } from '../../src/acme/solvers/rfc2136.ts';
import { createDnsClient } from '../../src/base/dns.ts';
import { createDnsExchange } from '../../src/base/dns-exchange.ts';
import { realSystem } from '../../src/base/system.ts';
import { makeTask, NEVER } from '../acme/solvers/challenge-task.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { type ServeProcess, startProcess, startServe } from '../harness/process.ts';
import { until } from '../harness/until.ts';
import { type NameServer, startNameServer, type UpdateKey, whyNoNameServer } from './name-server.ts';
import { type Pebble, startPebble, whyNoPebble } from './pebble.ts';

// On port 53: dns-01 and dns-persist-01 look at the zone's name servers there.
const HOST = '127.0.0.1';
const NAMES = ['zone.test', 'matrix.zone.test'];
/** Milliseconds: every other nonce is refused, and Pebble is polled once a second. */
const PATIENCE = 90_000;

const missing = whyNoNameServer() ?? (await whyNoPort53()) ?? (await whyNoPebble());

function whyNoPort53(): Promise<string | undefined> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', ({ message }) => resolve(`nothing may listen on ${HOST}:53 (${message})`));
    socket.bind(53, HOST, () => socket.close(() => resolve(undefined)));
  });
}

if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('a real Pebble and a real BIND are here, because REQUIRE_PEERS=1 asks for them', () => {
    expect(missing).toBeUndefined();
  });
}
if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== undefined)(`\`serve\` leads from nothing to a certificate of a real Pebble${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sidecar-from-nothing-'));
  const key: UpdateKey = { name: 'key', algorithm: 'hmac-sha256', secret: randomBytes(32) };
  let nameServer: NameServer;
  let pebble: Pebble;
  let ports: readonly number[];

  beforeAll(async () => {
    ports = await findFreePorts(2);
    const zones = Object.fromEntries(NAMES.map((name) => [name, '@ IN A 127.0.0.1']));
    const at = { folder: join(folder, 'bind'), port: 53 };
    nameServer = await startNameServer({ ...at, keys: [key], resolves: true, zones });
    pebble = await startPebble({
      folder: join(folder, 'pebble'),
      httpPort: ports[0]!,
      tlsPort: ports[1]!,
      hosts: {},
      nonceReject: 50,
      dnsServer: nameServer.address,
    });
    writeFileSync(join(folder, 'ca.pem'), pebble.caPem);
  });
  afterAll(async () => {
    await pebble?.close();
    await nameServer?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const yaml = (challenge: string): string => `
servers: [{ server_name: zone.test, homeserver: "http://127.0.0.1:9", delegate_to: "matrix.zone.test:443" }]
listen: { https: "127.0.0.1:${ports[1]}", federation: "127.0.0.1:0", http: "127.0.0.1:${ports[0]}", admin: "127.0.0.1:0" }
certificates: acme
acme:
  directory: "${pebble.directoryUrl}"
  ca_file: "${join(folder, 'ca.pem')}"
  challenges: [${challenge}]
  resolvers: ["${nameServer.address}"]
  dns: { provider: rfc2136, server: "${nameServer.address}", key_name: ${key.name}, key_secret: "${key.secret.toString('base64')}" }
`;

  async function start(challenge: string): Promise<ServeProcess> {
    const own = mkdtempSync(join(folder, `${challenge}-`));
    // What dns-01 does not need is an error in the configuration.
    const text = challenge === 'dns-01' ? yaml(challenge) : yaml(challenge).replace(/^ {2}dns:.*\n/m, '');
    return startServe(text, own);
  }

  /** On both ports, for a client that knows Pebble's root and no other. */
  async function isTrusted(sidecar: ServeProcess): Promise<boolean> {
    const looks = [sidecar.https, sidecar.federation].flatMap((port) => NAMES.map((name) => shows(port, name)));
    return (await Promise.all(looks)).every((trusted) => trusted);
  }

  function shows(port: number, servername: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, servername, ca: pebble.rootPem, rejectUnauthorized: false };
      const socket = connect(options, () => {
        resolve(socket.authorized);
        socket.end();
      });
      socket.once('error', reject);
    });
  }

  async function run(sidecar: ServeProcess, ...args: string[]) {
    const config = ['--config', join(sidecar.folder, 'sidecar.yaml')];
    const started = startProcess(['certs', ...args, ...config], { cwd: sidecar.folder });
    const { code } = await started.exited;
    return { code, output: started.stdout() + started.stderr() };
  }

  test.each(['http-01', 'tls-alpn-01', 'dns-01'])(
    'by %s, with one order and nothing else to be done',
    async (challenge) => {
      const sidecar = await start(challenge);
      try {
        await until(`a certificate by ${challenge}`, () => isTrusted(sidecar), PATIENCE).catch(async (error: Error) => {
          throw new Error(`${error.message}\n${sidecar.stdout()}\n${await pebble.log(30)}`);
        });
        expect(sidecar.log().filter(({ msg }) => msg === 'Ordering a certificate.')).toHaveLength(1);
        expect(await run(sidecar, 'list')).toMatchObject({ code: 0, output: expect.stringContaining('days left') });
      } finally {
        await sidecar.close();
      }
    },
    PATIENCE + 30_000,
  );

  test(
    'by dns-persist-01, with the record that its first line of the log asks for and `certs renew`',
    async (context) => {
      const sidecar = await start('dns-persist-01');
      try {
        const line = await sidecar.logged(/^No certificate from/);
        if (/offers/.test(String(line['msg']))) context.skip('this Pebble does not offer it');
        const dns = createDnsClient({ servers: [nameServer.address] });
        const provider = createRfc2136Provider(
          { host: HOST, port: 53, key },
          { system: realSystem, dns, exchange: createDnsExchange({ system: realSystem }) },
        );
        for (const [, name, value] of sidecar
          .stdout()
          .matchAll(/(_validation-persist\.[a-z.]+)\. IN TXT \\"([^"\\]+)\\"/g))
          await provider.set({ name: name!, value: value!, task: makeTask('dns-01', 'zone.test') }, NEVER);
        const { code, output } = await run(sidecar, 'renew');
        expect([code, output], sidecar.stdout()).toEqual([0, expect.stringContaining('New certificate for')]);
        await until('a certificate by dns-persist-01', () => isTrusted(sidecar));
      } finally {
        await sidecar.close();
      }
    },
    PATIENCE + 30_000,
  );
});
