import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { caFolder } from '../../../src/acme/ca-folder.ts';
import { emptyLedger, serialiseLedger } from '../../../src/acme/ledger.ts';
import { LEDGER_KEY } from '../../../src/acme/ledger-store.ts';
import { nameSetId } from '../../../src/acme/names.ts';
import { ask } from '../../harness/client.ts';
import { completeYaml, startServe } from '../../harness/process.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { until } from '../../harness/until.ts';
import { startHttpUpstream } from '../../harness/upstream.ts';
import { hurriedSystem } from '../../tls/hurried-system.ts';
import { DAY, makeCertificate, makeEcCertificate } from '../../tls/make-certificate.ts';
import { certificateFor, LETS_ENCRYPT, NAMES, NOW, openBench } from '../certs-bench.ts';
import { run } from '../check-bench.ts';
import { excerpt, type Scene } from './fill-guide.ts';
import { type GuideWorld, openGuideWorld } from './guide-world.ts';

const HOMESERVER = 'http://synapse:8008';
/** The tester's requests would wait for a homeserver that does not come back. */
const NO_HOLD = 'limits: { hold: 0s }\n';

/** What docs/operations.md shows; `yaml` is its own configuration. */
export function createOperationsScenes(yaml: string): Readonly<Record<string, Scene>> {
  const inWorld = async (more: string, show: (world: GuideWorld) => Promise<string>): Promise<string> => {
    const world = await openGuideWorld(yaml, more);
    try {
      return await show(world);
    } finally {
      await world.close();
    }
  };
  const readyz = async (world: GuideWorld): Promise<string> => {
    const body = JSON.stringify(JSON.parse(await world.ask('/readyz')), undefined, 2);
    return `$ curl -s http://127.0.0.1:9010/readyz | jq\n${world.tidy(body)}`;
  };
  return {
    readyz: () => inWorld('', readyz),
    'readyz-down': () =>
      inWorld(NO_HOLD, async (world) => {
        await stopHomeservers(world);
        return readyz(world);
      }),
    metrics: () =>
      inWorld('', async (world) => {
        const lines = (await world.ask('/metrics')).split('\n');
        const shown = lines.filter((line) => line.startsWith('matrix_sidecar_certificate')).join('\n');
        const fixed = world.tidy(shown).replaceAll(/ 1\.?\d{8,}(e\+?9)?$/gm, ' 1788004800');
        return `$ curl -s http://127.0.0.1:9010/metrics | grep ^matrix_sidecar_certificate\n${fixed}`;
      }),
    doctor: () =>
      inWorld('', async (world) => {
        const { out } = await world.command(['doctor', '--config', 'sidecar.yaml']);
        return `$ matrix-sidecar doctor\n${world.tidy(out)}`;
      }),
    'doctor-down': () =>
      inWorld(NO_HOLD, async (world) => {
        await stopHomeservers(world);
        const { out } = await world.command(['doctor', '--config', 'sidecar.yaml']);
        const said = world.tidy(out);
        const row = excerpt(said, /The homeserver of example\.com answers/, /The sidecar runs here/);
        return `$ matrix-sidecar doctor\n${row}${excerpt(said, /^Next/).replace(/^…\n/, '')}`;
      }),
    check: () =>
      inWorld('', async (world) => {
        const { out } = await world.command(['check', 'example.com']);
        return `$ matrix-sidecar check example.com\n${excerpt(world.tidy(out), /^Federation/, /^ {2}Not tested/)}`;
      }),
    explain: () => showExplanation(yaml),
    'request-lines': () => showRequestLines(yaml),
    reload: () => showReload(yaml),
    webhook: showWebhook,
    'certs-list': () => showCertificates(yaml),
    'certs-failing': () => showFailing(yaml),
  };
}

async function stopHomeservers({ homeservers }: GuideWorld): Promise<void> {
  for (const homeserver of homeservers.values()) await homeserver.stop();
}

async function showExplanation(yaml: string): Promise<string> {
  const cwd = mkdtempSync(join(tmpdir(), 'guide-'));
  const asked = ['PUT', 'https://matrix.example.com/_matrix/federation/v1/send/1', '--origin', 'other.example'];
  try {
    writeFileSync(join(cwd, 'sidecar.yaml'), yaml);
    const { out } = await run(['explain', ...asked, '--config', 'sidecar.yaml'], { cwd });
    return `$ matrix-sidecar explain ${asked.join(' ')}\n${out}`;
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

/** One that waits for a restart, and one that nobody may repeat. */
async function showRequestLines(yaml: string): Promise<string> {
  const cut = '/_matrix/client/v3/keys/claim';
  const start = (port = 0) =>
    startHttpUpstream((request, response) => (request.url === cut ? request.socket.destroy() : response.end('{}')), {
      port,
    });
  let homeserver = await start();
  const serve = await startServe(yaml.replace(HOMESERVER, homeserver.url));
  const host = { host: 'matrix.example.com' };
  const lines = () => serve.log().filter(({ msg }) => msg === 'request');
  try {
    await homeserver.close();
    const authorization = 'X-Matrix origin="other.example",destination="example.com",key="ed25519:a",sig="c2ln"';
    const held = ask(serve, '/_matrix/federation/v1/send/1764000000000', {
      ...{ method: 'PUT', body: '{}' },
      headers: { ...host, authorization, 'content-type': 'application/json' },
    });
    await until('it waits', () => serve.log().some(({ msg }) => String(msg).includes('wait')));
    homeserver = await start(homeserver.port);
    await held;
    await ask(serve, cut, { method: 'POST', body: '{}', headers: { ...host, 'content-type': 'application/json' } });
    await until('all lines are there', () => lines().length === 2);
    const ids = ['a3f0c1d29b74e586', 'a3f0c1d29b74e587'];
    const durations = [4_210, 7];
    const shown = lines().map((line, index) =>
      JSON.stringify({
        ...{ ...line, time: `2026-06-01T14:0${index}:07.120Z`, request_id: ids[index], client: '198.51.100.7' },
        ms: durations[index],
        ...(line['held_ms'] === undefined ? {} : { held_ms: 4_196 }),
        ...(line['why'] === undefined ? {} : { why: String(line['why']).replaceAll(homeserver.url, HOMESERVER) }),
      }),
    );
    return `$ docker compose logs --no-log-prefix sidecar | grep '"msg":"request"'\n${shown.join('\n')}`;
  } finally {
    await serve.close();
    await homeserver.close();
  }
}

/** What SIGHUP says of a configuration with a mistake. */
async function showReload(yaml: string): Promise<string> {
  const homeserver = await startHttpUpstream((_, response) => response.end('{}'));
  const good = yaml.replace(HOMESERVER, homeserver.url);
  const serve = await startServe(good);
  try {
    // What is missing in the test's own configuration comes before the guide's text, and shifts its lines.
    const shift = completeYaml(good).split('\n').length - good.split('\n').length;
    await serve.write(good.replace('homeserver:', 'homserver:'));
    serve.child.kill('SIGHUP');
    const line = JSON.stringify({ ...(await serve.logged(/stays in force/)), time: '2026-06-01T14:00:07.120Z' });
    const shown = line
      .replaceAll(serve.folder, '/app/config')
      .replace(/yaml:(\d+)/, (_, at) => `yaml:${Number(at) - shift}`);
    return `$ docker compose kill -s HUP sidecar && docker compose logs --no-log-prefix -n 1 sidecar\n${shown}`;
  } finally {
    await serve.close();
    await homeserver.close();
  }
}

async function showWebhook(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'guide-'));
  const heard: string[] = [];
  const hook = await startHttpUpstream((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      heard.push(body);
      response.end();
    });
  });
  const root = makeCertificate({ commonName: 'root', ca: true });
  const dates = { notBefore: Date.now() - 76 * DAY, notAfter: Date.now() + 14 * DAY + 3_600_000 };
  const { certPem, keyPem } = makeEcCertificate(['example.com'], root, 'P-256', dates);
  writeFileSync(join(folder, 'fullchain.pem'), certPem);
  writeFileSync(join(folder, 'privkey.pem'), keyPem);
  const files = JSON.stringify({ cert: join(folder, 'fullchain.pem'), key: join(folder, 'privkey.pem') });
  const sidecar = await startTestSidecar(
    `certificates: files
servers: [{ server_name: example.com, homeserver: "http://127.0.0.1:9", certificate: ${files} }]
warnings: { webhook: "${hook.url}/matrix-sidecar" }
`,
    // It looks at its certificates after a while.
    { folder, system: hurriedSystem },
  );
  try {
    await until('it is told', () => heard.length > 0);
    return JSON.stringify(JSON.parse(heard[0]!), undefined, 2)
      .replaceAll(folder, '/certs')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '2026-06-15T12:00:00.000Z')
      .replaceAll(/\d{4}-\d\d-\d\d( at)? \d\d:\d\d UTC/g, '2026-06-15$1 12:00 UTC');
  } finally {
    await sidecar.close();
    await hook.close();
    rmSync(folder, { recursive: true });
  }
}

async function showCertificates(yaml: string): Promise<string> {
  const bench = openBench();
  try {
    bench.configure(yaml);
    await bench.keep(certificateFor(NAMES, 59));
    await bench.keep(certificateFor(['old.example.com'], 20), ['old.example.com']);
    return `$ matrix-sidecar certs list\n${(await bench.run(['list'])).out}`;
  } finally {
    bench.close();
  }
}

/** The last three attempts failed. */
async function showFailing(yaml: string): Promise<string> {
  const bench = openBench();
  try {
    bench.configure(yaml);
    await bench.keep(certificateFor(NAMES, 14));
    const detail = '203.0.113.10: Fetching http://matrix.example.com/.well-known/acme-challenge/…: Connection refused';
    const problem = { kind: 'validation', type: 'connection', detail, status: 400 } as const;
    const next = { at: NOW + 7_200_000, why: 'The CA could not validate it; next attempt after 2 hours.' };
    const counts = { failures: 8, lastAt: NOW - 60_000, caFailures: 0, ourFailures: 8, unknown: 0 };
    const tries = [{ set: nameSetId(NAMES), ca: caFolder(LETS_ENCRYPT), ...counts, problem, next }];
    await bench.store.write(LEDGER_KEY, serialiseLedger({ ...emptyLedger(), tries }));
    return `$ matrix-sidecar certs list\n${(await bench.run(['list'])).out}`;
  } finally {
    bench.close();
  }
}
