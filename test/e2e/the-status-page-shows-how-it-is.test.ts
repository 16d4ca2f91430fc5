import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/admin/status.ts';
import { ask } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { openTesterGround } from '../harness/tester-ground.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

let upstream: TestUpstream;
let sidecar: TestSidecar;

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    response.statusCode = request.url?.startsWith('/_matrix/broken') ? 500 : 200;
    response.end('{"versions":["v1.11"]}');
  });
  sidecar = await startTestSidecar(`servers:
  - { server_name: a.test, homeserver: "${upstream.url}", delegate_to: "m.a.test:443" }
  - { server_name: b.test, homeserver: "http://127.0.0.1:1" }`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function admin(
  path: string,
  { method = 'GET', agent = false }: { method?: string; agent?: false | Agent } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: sidecar.admin, path, method, agent }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.once('error', reject).end();
  });
}
const readStatus = async () => JSON.parse((await admin('/api/status')).body) as Status;
/** The next one that is made. */
/** The first page of which it holds. */
async function page(holds: (html: string) => boolean): Promise<string> {
  let html = '';
  await until('the page shows it', async () => {
    html = (await admin('/')).body;
    return holds(html);
  });
  return html;
}
const federation = (name: string): string => `X-Matrix origin="${name}",destination="a.test",key="ed25519:1",sig="x"`;

describe('the status page', () => {
  it('is a page that may load nothing but itself, and HEAD is GET without a body', async () => {
    const { status, headers, body } = await admin('/');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-/,
    );
    expect([headers['x-content-type-options'], headers['cache-control']]).toEqual(['nosniff', 'no-store']);
    expect(body).toContain('<a href="/federationtester">');
    const head = await admin('/', { method: 'HEAD' });
    expect([head.status, head.body]).toEqual([200, '']);
  });

  it('says what is wrong first, and what the log warned of', async () => {
    void ask(sidecar, '/_matrix/client/v3/sync', { headers: { host: 'b.test' } }).catch(() => {});
    const html = await page((html) => html.includes('<title>Trouble'));
    expect(html).toMatch(/<h2>The homeserver of b\.test has been away since [^<]*ECONNREFUSED/);
    expect(html).toContain('Requests wait for it.');
    expect((await readStatus()).logged[0]).toMatchObject({ level: 'warning', times: expect.any(Number) });
  });

  it('shows the traffic, who sent it, and what failed, in steps of five seconds', async () => {
    const paths = ['/_matrix/client/versions', '/_matrix/broken', '/_matrix/client/versions'];
    for (const path of paths) await ask(sidecar, path, { headers: { host: 'a.test' } });
    await ask(sidecar, '/_matrix/federation/v1/event/$x', {
      on: 'federation',
      headers: { host: 'a.test', authorization: federation('peer.test') },
    });
    await until('counted', async () => (await readStatus()).traffic.series.length > 1);
    const { traffic, peers } = await readStatus();
    const sum = (surface: string, status: string): number =>
      traffic.series
        .filter((one) => one.surface === surface && one.status === status)
        .flatMap(({ requests }) => requests)
        .reduce((all, one) => all + one, 0);
    expect(sum('client', '2xx')).toBeGreaterThanOrEqual(2);
    expect([sum('federation', '2xx'), peers]).toEqual([1, [{ origin: 'peer.test', requests: 1 }]]);
    const html = await page((html) => html.includes('peer.test'));
    expect(html).toContain('<svg class="spark"');
    expect(html).toMatch(/aria-label="Requests per second over the last 10 minutes: /);
  });

  it('names of strangers, however long and whatever is in them, are text or not there', async () => {
    for (const name of ['<img src=x onerror=alert(1)>', `${'a'.repeat(250)}.test`, 'a'.repeat(3_000)]) {
      await ask(sidecar, '/_matrix/federation/v1/event/$x', {
        on: 'federation',
        headers: { host: 'a.test', authorization: federation(name) },
      });
    }
    const html = await page((html) => html.includes('a'.repeat(250)));
    expect(html).not.toContain('<img');
    expect(html).not.toContain('a'.repeat(300));
  });

  it('asked ten thousand times, costs little and leaves memory as it was', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 20 });
    const many = async (times: number): Promise<void> => {
      for (let left = times; left > 0; left -= 100) {
        const replies = await Promise.all(Array.from({ length: 100 }, () => admin('/', { agent })));
        expect(replies.every(({ status }) => status === 200)).toBe(true);
      }
    };
    await many(500);
    const before = measure();
    const began = process.cpuUsage();
    await many(10_000);
    const { user, system } = process.cpuUsage(began);
    agent.destroy();
    // Both ends of each, in microseconds, on a busy machine too.
    expect((user + system) / 10_000).toBeLessThan(3_000);
    expect(measure() - before).toBeLessThan(8 * 1024 * 1024);
  }, 60_000);
});

/** Bytes in use, garbage aside. */
function measure(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('the federation tester’s page', () => {
  it('is linked both ways on the admin listener, and knows of no status page elsewhere', async () => {
    const ground = await openTesterGround('federation_tester: { public: true, ca_file: CA_FILE }');
    try {
      expect((await ground.admin('/federationtester')).body).toContain('<a href="/">Status</a>');
      const strangers = await ask(ground.sidecar, '/federationtester', { on: 'https', headers: { host: 'm.a.test' } });
      expect([strangers.status, strangers.body.toString().includes('Status</a>')]).toEqual([200, false]);
    } finally {
      await ground.close();
    }
  });
});
