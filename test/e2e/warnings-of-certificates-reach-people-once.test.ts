import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameSetId } from '../../src/acme/names.ts';
import { writeCertificate } from '../../src/acme/stored-certificate.ts';
import { createFileStore } from '../../src/store/files.ts';
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';
import { type ScriptedCa, startScriptedCa } from '../harness/scripted-ca.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { pause, until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';
import { hurriedSystem } from '../tls/hurried-system.ts';
import { DAY, makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';

const SECRET = 'T0k3n-of-the-hook';
const root = makeCertificate({ commonName: 'root', ca: true });

let folder: string;
let homeserver: TestUpstream;
let hook: TestUpstream;
let heard: Record<string, unknown>[];
let running: TestSidecar | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warnings-'));
  heard = [];
  homeserver = await startHttpUpstream((_request, response) => response.end('{"versions":["v1.11"]}'));
  hook = await startHttpUpstream((posted, response) => {
    let body = '';
    posted.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    posted.on('end', () => {
      heard.push({ ...(JSON.parse(body) as object), at: posted.url });
      response.end();
    });
  });
});
afterEach(async () => {
  await running?.close();
  await hook.close();
  await homeserver.close();
  await rm(folder, { recursive: true, force: true });
});

const warnings = (): string => `warnings: { webhook: "${hook.url}/hooks/${SECRET}" }`;

/** With timers twenty times as fast: it looks at its certificates after less than a second. */
async function start(yaml: string): Promise<TestSidecar> {
  await running?.close();
  running = await startTestSidecar(`${yaml}\n${warnings()}`, { folder, system: hurriedSystem });
  return running;
}

function ask(to: TestSidecar, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: to.admin, path, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .once('error', reject)
      .end();
  });
}

const events = (): string[] => heard.map(({ event, level }) => `${String(event)} ${String(level)}`);

describe('a certificate in files', () => {
  const files = (): string => JSON.stringify({ cert: join(folder, 'a.pem'), key: join(folder, 'a.key') });
  const yaml = (): string =>
    `certificates: files\nservers: [{ server_name: a.test, homeserver: "${homeserver.url}", certificate: ${files()} }]`;

  async function put(from: number, to: number): Promise<void> {
    const dates = { notBefore: Date.now() + from * DAY, notAfter: Date.now() + to * DAY };
    const made = makeEcCertificate(['a.test'], root, 'P-256', dates);
    await writeFile(join(folder, 'a.key'), made.keyPem);
    await writeFile(join(folder, 'a.pem'), made.certPem);
  }

  it('that nears its end is told of once, over restarts and reloads, and once that it is over', async () => {
    await put(-55, 5);
    const first = await start(yaml());
    await until('it is told', () => heard.length === 1);
    expect(heard[0]).toEqual({
      about: 'certificate',
      event: 'began',
      level: 'at-risk',
      names: ['a.test'],
      message: expect.stringMatching(
        /^The certificate for a\.test expires in 5 days .* is not renewed\. It comes from /,
      ),
      expires: expect.stringMatching(/^20/),
      next_attempt: null,
      why: expect.stringContaining('a.pem, which the sidecar does not renew'),
      text: expect.stringMatching(/^matrix-sidecar: The certificate for a\.test expires/),
      html: expect.stringMatching(/^matrix-sidecar: The certificate for a\.test expires/),
      fix: null,
      at: `/hooks/${SECRET}`,
    });
    expect(JSON.stringify(first.logged)).not.toContain(SECRET);
    expect(first.logged.filter(({ sentence }) => sentence.includes('is not renewed'))).toHaveLength(1);

    const ready = await ask(first, '/readyz');
    expect(ready.status).toBe(200);
    expect(ready.body).toContain('less than a sixth of its lifetime is left');
    const status = JSON.parse((await ask(first, '/api/status')).body) as { certificates: unknown[] };
    expect(status.certificates).toMatchObject([
      { level: 'at-risk', next_attempt: { at: null, why: expect.any(String) }, last_result: null },
    ]);
    const metrics = (await ask(first, '/metrics')).body;
    expect(metrics).toContain('matrix_sidecar_certificate_risk_level{names="a.test"} 1\n');
    expect(metrics).toContain('matrix_sidecar_warning_deliveries_total{result="delivered"} 1\n');

    await first.reload(`${yaml()}\n${warnings()}`);
    await pause(1_500);
    const second = await start(yaml());
    await pause(1_500);
    expect(events()).toEqual(['began at-risk']);
    await put(0, 60);
    await until('it is over', () => heard.length === 2);
    expect(events()).toEqual(['began at-risk', 'over at-risk']);
    expect((await ask(second, '/metrics')).body).toContain('matrix_sidecar_certificate_risk_level{names="a.test"} 0\n');
  });

  it('that has expired is told of, and is not ready', async () => {
    await put(-60, -1);
    const sidecar = await start(yaml());
    await until('it is told', () => heard.length === 1);
    expect(events()).toEqual(['began expired']);
    expect((await ask(sidecar, '/readyz')).status).toBe(503);
    expect((await ask(sidecar, '/readyz')).body).toContain('which the sidecar does not renew: put a new one there');
  });
});

describe('a certificate from a CA that refuses', () => {
  let ca: ScriptedCa;
  let dns: TestDnsServer;
  beforeEach(async () => {
    ca = await startScriptedCa();
    dns = await startDnsServer((_name, type) => (type === 'A' ? [['A', '127.0.0.1']] : []));
    await writeFile(join(folder, 'ca.pem'), ca.caPem);
  });
  afterEach(async () => {
    await running?.close();
    await ca.close();
    await dns.close();
  });

  it('is told of with the next attempt and why then; so do readiness, status and metrics', async () => {
    const names = ['a.test'];
    const dates = { notBefore: Date.now() - 55 * DAY, notAfter: Date.now() + 5 * DAY };
    const made = makeEcCertificate(names, root, 'P-256', dates);
    const store = createFileStore(join(folder, 'certs'));
    await writeCertificate(store, nameSetId(names), {
      ...{ names, directory: ca.directoryUrl, chainPem: made.certPem + root.certPem, keyPem: made.keyPem },
      issuedAt: dates.notBefore,
    });
    await store.close();
    const body = { type: 'urn:ietf:params:acme:error:rejectedIdentifier', detail: 'Not this name' };
    ca.script('new-order', ...Array.from({ length: 20 }, () => ({ answer: { status: 403, body } })));

    const sidecar = await start(
      `certificates: acme
servers: [{ server_name: a.test, homeserver: "${homeserver.url}" }]
acme: { directory: "${ca.directoryUrl}", ca_file: "${join(folder, 'ca.pem')}", challenges: [http-01], resolvers: ["${dns.address}"] }`,
    );
    ca.rules.httpPort = sidecar.http;
    await until('it is told', () => heard.length === 1);
    expect(heard[0]).toMatchObject({ event: 'began', level: 'at-risk', names });
    expect(heard[0]?.['next_attempt']).toMatch(/^20/);
    expect(heard[0]?.['why']).toContain('Not this name');
    expect(heard[0]?.['text']).toContain('Next attempt');

    const ready = await ask(sidecar, '/readyz');
    expect(ready.status).toBe(200);
    expect(ready.body).toMatch(/next attempt on 20.*Not this name/);
    const status = JSON.parse((await ask(sidecar, '/api/status')).body) as { certificates: unknown[] };
    expect(status.certificates).toMatchObject([
      {
        ...{ names, level: 'at-risk', next_attempt: { at: expect.stringMatching(/^20/) } },
        last_result: { ok: false, what: expect.stringContaining('Not this name') },
      },
    ]);
    const metrics = (await ask(sidecar, '/metrics')).body;
    expect(metrics).toMatch(/^matrix_sidecar_certificate_next_attempt_timestamp_seconds\{names="a\.test"\} 1\d{9}/m);
    expect(metrics).toContain('matrix_sidecar_certificate_last_attempt_success{names="a.test"} 0\n');
    const host = new URL(ca.directoryUrl).host;
    expect(metrics).toContain(`matrix_sidecar_acme_attempts_total{ca="${host}",result="failed"} `);
    expect(metrics).not.toContain('Not this name');
  });
});
