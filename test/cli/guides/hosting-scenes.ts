import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nameSetId } from '../../../src/acme/names.ts';
import { judgePreflight } from '../../../src/acme/preflight.ts';
import type { NameFacts } from '../../../src/acme/preflight-facts.ts';
import { writeVeto } from '../../../src/acme/veto-record.ts';
import { realSystem, type System } from '../../../src/base/system.ts';
import { makeCertificate } from '../../tls/make-certificate.ts';
import { runAdvise } from '../advise-bench.ts';
import { certificateFor, NOW, openBench } from '../certs-bench.ts';
import { run } from '../check-bench.ts';
import { excerpt, type Scene } from './fill-guide.ts';
import { type GuideWorld, openGuideWorld } from './guide-world.ts';

const DOCUMENTS: Readonly<Record<string, string>> = {
  '/.well-known/matrix/server': '{"m.server":"org.host.net:443"}',
  '/.well-known/matrix/client': '{"m.homeserver":{"base_url":"https://org.host.net"}}',
};

/** The customer's own web server, and what it has. */
interface Website {
  readonly documents: Map<string, string>;
  close(): void;
}

async function startWebsite(world: GuideWorld): Promise<Website> {
  const root = makeCertificate({ commonName: "The website's CA", ca: true });
  const leaf = makeCertificate({ names: ['example.org'], issuer: root });
  const documents = new Map<string, string>();
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    const document = documents.get(request.url ?? '');
    const headers = { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' };
    response.writeHead(document === undefined ? 404 : 200, headers).end(document ?? '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  world.trust(root.certPem);
  world.lead('example.org', 443, (server.address() as AddressInfo).port, '198.51.100.7:443');
  // Nobody listens there.
  world.lead('example.org', 8448, 1, '198.51.100.7:8448');
  return {
    documents,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What docs/hosting-for-others.md shows; `yaml` is its own configuration. */
export function createHostingScenes(yaml: string): Readonly<Record<string, Scene>> {
  const advise = async (...args: string[]): Promise<string> => (await runAdvise({ yaml, args })).out;

  /** The CAA records of one customer let somebody else sign. */
  async function certsList(): Promise<string> {
    const bench = openBench();
    try {
      bench.configure(yaml);
      await bench.keep(certificateFor(['org.host.net'], 59), ['org.host.net']);
      const names = ['example.net', 'net.host.net'];
      await bench.keep(certificateFor(names, 26), names);
      const { why, findings } = judgePreflight(factsOf(names));
      const since = NOW - 3 * 86_400_000;
      await writeVeto(bench.store, nameSetId(names), { now: since, why, findings });
      return `$ matrix-sidecar certs list\n${(await bench.run(['list'])).out}`;
    } finally {
      bench.close();
    }
  }

  return {
    'config-check': () => showConfigCheck(yaml),
    'advise-file': async () => {
      const out = await advise('example.org');
      return `$ matrix-sidecar advise example.org\n${excerpt(out, /^example\.org/, /^4\. /)}`;
    },
    'advise-records': async () => {
      const out = await advise('example.net');
      const [records, certificates] = [excerpt(out, /^1\. /, /^2\. /), excerpt(out, /^Certificates/, /^Then/)];
      return `$ matrix-sidecar advise example.net\n${records}${certificates.replace(/^…\n/, '')}`;
    },
    'advise-apache': async () => {
      const out = await advise('example.org', '--web', 'apache');
      return `$ matrix-sidecar advise example.org --web apache\n${excerpt(out, / {3}Or Apache/, /^3\. /)}`;
    },
    watch: () => showWatch(yaml),
    drift: () => showDrift(yaml),
    'certs-list': certsList,
  };
}

async function showConfigCheck(yaml: string): Promise<string> {
  const cwd = mkdtempSync(join(tmpdir(), 'guide-'));
  try {
    mkdirSync(join(cwd, 'config'));
    writeFileSync(join(cwd, 'config/sidecar.yaml'), yaml);
    return `$ matrix-sidecar config check\n${(await run(['config', 'check'], { cwd })).out}`;
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

/** The command tells what is missing; by its next look, at once, the customer has published it. */
async function showWatch(yaml: string): Promise<string> {
  const world = await openGuideWorld(yaml);
  const website = await startWebsite(world);
  let now = Date.parse('2026-06-01T14:02:07Z');
  let isTold = false;
  const system: System = {
    ...realSystem,
    now: () => now,
    setTimer(ms, fn) {
      const isPause = isTold;
      isTold = false;
      return realSystem.setTimer(isPause ? 0 : ms, fn);
    },
  };
  function onOutput(text: string): void {
    isTold = text.includes('not yet');
    now = Date.parse('2026-06-01T14:31:40Z');
    for (const [path, document] of Object.entries(DOCUMENTS)) website.documents.set(path, document);
  }
  try {
    const args = ['example.org', '--watch', ...world.ways()];
    const { out } = await runAdvise({ yaml, args, system, onOutput });
    return `$ matrix-sidecar advise example.org --watch\n${world.tidy(out)}`;
  } finally {
    website.close();
    await world.close();
  }
}

/** The customer has a new website, without the documents. */
async function showDrift(yaml: string): Promise<string> {
  const world = await openGuideWorld(yaml);
  const website = await startWebsite(world);
  try {
    const { out } = await world.command(['doctor', '--config', 'sidecar.yaml']);
    return `$ matrix-sidecar doctor\n${excerpt(world.tidy(out), /https:\/\/example\.org publishes/, /https:\/\/example\.net publishes/)}`;
  } finally {
    website.close();
    await world.close();
  }
}

function factsOf(names: readonly string[]) {
  return {
    names: names.map((name): NameFacts => {
      const records = name === 'example.net' ? [{ critical: false, tag: 'issue', value: 'pki.goog' }] : [];
      return {
        name,
        a: { kind: 'found', addresses: ['203.0.113.10'] },
        aaaa: { kind: 'none' },
        caa: { kind: 'found', records, at: name },
        loopBack: { kind: 'skipped' },
        challenges: { types: ['dns-persist-01'], why: '' },
      };
    }),
    profile: undefined,
    ca: {
      ...{ name: "Let's Encrypt", isPublic: true, isStaging: false, hasStaging: true },
      ...{ caaIdentities: ['letsencrypt.org'], profiles: [], accountUrl: undefined, clockAhead: 0 },
    },
    store: { name: 'certs', unwritable: undefined, inContainer: false, markerFound: true, onVolume: true },
  } as const;
}
