import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/base/version.ts';
import { ask, sendRaw } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';
import { DAY, makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';

let folder: string;
let upstream: TestUpstream;
let sidecar: TestSidecar;
let probes = 0;
const started: TestSidecar[] = [];

async function start(yaml: string): Promise<TestSidecar> {
  const one = await startTestSidecar(yaml);
  started.push(one);
  return one;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'admin-'));
  upstream = await startHttpUpstream((request, response) => {
    if (request.url === '/_matrix/client/versions') probes++;
    response.end('{"versions":["v1.11"]}');
  });
  sidecar = await start(`servers:
  - { server_name: a.test, homeserver: "${upstream.url}", delegate_to: "m.a.test:443" }
  - { server_name: b.test, homeserver: "${upstream.url}" }`);
});
afterAll(async () => {
  for (const one of started) await one.close();
  await upstream?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

function admin(to: TestSidecar, path: string, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: to.admin, path, method, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.once('error', reject).end();
  });
}

interface Readiness {
  readonly ready: boolean;
  readonly checks: { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

async function readyz(to: TestSidecar): Promise<Readiness & { status: number }> {
  const { status, body } = await admin(to, '/readyz');
  return { status, ...(JSON.parse(body) as Readiness) };
}

describe('/healthz', () => {
  it('says that the process lives', async () => {
    const { status, headers, body } = await admin(sidecar, '/healthz');
    expect([status, body]).toEqual([200, 'ok\n']);
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
  });

  it('does so with the homeserver down as well', async () => {
    const lonely = await start('servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]');
    expect((await admin(lonely, '/healthz')).status).toBe(200);
  });
});

describe('/readyz', () => {
  it('is 200 when the homeserver answers and the certificates are valid, and says so', async () => {
    const { status, ready, checks } = await readyz(sidecar);
    expect([status, ready]).toEqual([200, true]);
    expect(checks.map(({ name, ok }) => [name.split(' ')[0], ok])).toEqual([
      ['certificate', true],
      ['homeserver', true],
    ]);
    expect(checks[1]).toMatchObject({ name: 'homeserver of a.test, b.test' });
    expect(checks[0]?.detail).toMatch(/^valid until \d{4}-/);
  });

  it('asks the homeserver once for many who want to know', async () => {
    const busy = await start(`servers:
  - { server_name: a.test, homeserver: "${upstream.url}" }
  - { server_name: b.test, homeserver: "${upstream.url}" }`);
    probes = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, () => admin(busy, '/readyz')));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(probes).toBe(1);
  });

  it('is 503 with the reason when a homeserver is down', async () => {
    const half = await start(`servers:
  - { server_name: a.test, homeserver: "${upstream.url}" }
  - { server_name: b.test, homeserver: "http://127.0.0.1:1" }`);
    const { status, ready, checks } = await readyz(half);
    expect([status, ready]).toEqual([503, false]);
    expect(checks.filter(({ ok }) => !ok)).toEqual([
      { name: 'homeserver of b.test', ok: false, detail: expect.stringContaining('ECONNREFUSED') },
    ]);
  });

  it('is 503 with the reason when a homeserver answers with an error', async () => {
    const broken = await startHttpUpstream((_request, response) => {
      response.statusCode = 503;
      response.end();
    });
    const one = await start(`servers: [{ server_name: a.test, homeserver: "${broken.url}" }]`);
    const { status, checks } = await readyz(one);
    expect(status).toBe(503);
    expect(checks.find(({ ok }) => !ok)?.detail).toContain('503');
    await broken.close();
  });

  it('is 503 with the reason when a certificate has expired', async () => {
    const root = makeCertificate({ commonName: 'root', ca: true });
    const dates = { notBefore: Date.now() - 30 * DAY, notAfter: Date.now() - DAY };
    const expired = makeEcCertificate(['a.test'], root, 'P-256', dates);
    await writeFile(join(folder, 'old.pem'), expired.certPem);
    await writeFile(join(folder, 'old.key'), expired.keyPem);
    const files = { cert: join(folder, 'old.pem'), key: join(folder, 'old.key') };
    const servers = [{ server_name: 'a.test', homeserver: upstream.url, certificate: files }];
    const one = await start(`certificates: files\nservers: ${JSON.stringify(servers)}`);
    const { status, checks } = await readyz(one);
    expect(status).toBe(503);
    const date = new Date(dates.notAfter).toISOString().slice(0, 10);
    expect(checks.filter(({ ok }) => !ok)).toEqual([
      { name: 'certificate for a.test', ok: false, detail: expect.stringContaining(`expired on ${date}`) },
    ]);
    // It serves all the same: a lenient client is better off than with nothing.
    expect((await ask(one, '/_matrix/x', { rejectUnauthorized: false })).status).toBe(200);
  });

  it('follows a reload at once', async () => {
    const one = await start('servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]');
    expect((await readyz(one)).status).toBe(503);
    await one.reload(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
    expect((await readyz(one)).status).toBe(200);
  });
});

describe('/api/status', () => {
  it('has version, listeners, servers and certificates', async () => {
    const { status, headers, body } = await admin(sidecar, '/api/status');
    expect([status, headers['content-type']]).toEqual([200, 'application/json']);
    const address = upstream.url.replace('http://', '');
    const since = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    const instance = { place: upstream.url, address, state: 'here', since, requests_in_flight: 0, why: null };
    const here = {
      apex: 'here',
      away_seconds: null,
      requests_held: 0,
      instances: [instance],
      website_instances: [],
      workers: [],
      mas: null,
      mas_instances: [],
      rtc_jwt_instances: [],
      rtc_sfu_instances: [],
    };
    expect(JSON.parse(body)).toEqual({
      at: since,
      version: VERSION,
      uptime_seconds: expect.any(Number),
      config_digest: expect.stringMatching(/^[0-9a-f]{16}$/),
      draining: false,
      warnings: [],
      listeners: {
        https: [`127.0.0.1:${sidecar.https}`],
        federation: [`127.0.0.1:${sidecar.federation}`],
        http: [`127.0.0.1:${sidecar.http}`],
        admin: [`127.0.0.1:${sidecar.admin}`],
      },
      servers: [
        {
          server_name: 'a.test',
          homeserver: upstream.url,
          delegate_to: 'm.a.test:443',
          delegate_by: 'well-known',
          ...here,
        },
        { server_name: 'b.test', homeserver: upstream.url, delegate_to: null, delegate_by: null, ...here },
      ],
      certificates: [
        {
          names: expect.arrayContaining(['a.test', 'm.a.test', 'b.test', 'localhost']),
          origin: 'development CA',
          issuer: expect.stringContaining('development CA'),
          not_before: since,
          not_after: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          days_left: expect.any(Number),
          level: 'ok',
          next_attempt: null,
          last_result: null,
          obstacle: null,
        },
      ],
      // The request that asks.
      requests_in_flight: 1,
      processes: [{ slot: 1, pid: process.pid, uptime_seconds: expect.any(Number), restarts: 0, state: 'serving' }],
      clients: { connections: 0, distinct: 0, only: null },
      traffic: { step_seconds: 5, from: since, steps: 120, series: [] },
      ...{ peers: [], saved: { by: {}, held: { released: 0, expired: 0, left: 0, refused: 0 } }, logged: [] },
      verdict: {
        ok: true,
        level: 'good',
        headline: expect.stringMatching(/^All is well: a\.test and b\.test are up/),
        problems: [],
      },
    });
  });
});

describe('/metrics', () => {
  it('has the numbers of this sidecar and of its process, as Prometheus reads them', async () => {
    const { status, headers, body } = await admin(sidecar, '/metrics');
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(body).toContain(`matrix_sidecar_build_info{version="${VERSION}",node="${process.versions.node}"} 1\n`);
    expect(body).toMatch(
      /^matrix_sidecar_certificate_expiry_timestamp_seconds\{names="127\.0\.0\.1,::1,a\.test,[^"]*"\} 1\d{9}$/m,
    );
    expect(body).toMatch(/^process_resident_memory_bytes \d+$/m);
    // Everything is a comment, a sample or nothing.
    const strange = body.split('\n').filter((line) => !/^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? \S+|)$/.test(line));
    expect(strange).toEqual([]);
  });
});

describe('other requests', () => {
  it('unknown paths get 404 and what there is', async () => {
    for (const path of ['/nonsense', '/healthz/', '/metrics/x', '//healthz', '/_matrix/client/versions']) {
      const { status, body } = await admin(sidecar, path);
      expect([path, status]).toEqual([path, 404]);
      expect(body).toContain('/readyz');
    }
    const index = await admin(sidecar, '/');
    expect([index.status, index.body.includes('/healthz')]).toEqual([200, true]);
  });

  it('the query is nobody’s business', async () => {
    expect((await admin(sidecar, '/healthz?x=1')).status).toBe(200);
  });

  it('HEAD is GET without a body; other methods get 405 and what is allowed', async () => {
    const head = await admin(sidecar, '/healthz', 'HEAD');
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '3']);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await admin(sidecar, '/healthz', method);
      expect([method, status, headers['allow']]).toEqual([method, 405, 'GET, HEAD']);
    }
  });

  it('WebSockets and TLS do not get in', async () => {
    const upgrade = 'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
    expect((await sendRaw(sidecar, upgrade, { on: 'admin' })).text).toMatch(/^HTTP\/1\.1 404 /);
    expect((await sendRaw(sidecar, 'x', { on: 'admin', plain: false, patience: 1_000 })).text).toBe('');
  });
});

it('nothing of it is reached through the public listeners', async () => {
  for (const on of ['https', 'federation'] as const) {
    for (const path of ['/healthz', '/readyz', '/api/status', '/metrics']) {
      const answer = await ask(sidecar, path, { on, headers: { host: 'a.test' } });
      expect([on, path, answer.status, answer.json()['errcode']]).toEqual([on, path, 404, 'M_UNRECOGNIZED']);
    }
  }
  const clear = await sendRaw(sidecar, 'GET /readyz HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n', {
    on: 'http',
  });
  expect(clear.text).toMatch(/^HTTP\/1\.1 301 /);
});
