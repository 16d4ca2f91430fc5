import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicReport } from '../federation-tester/public-schema.ts';
import { ask } from '../harness/client.ts';
import { openTesterGround, type TesterGround } from '../harness/tester-ground.ts';

const PATHS = ['/federationtester', '/api/report?server_name=b.test', '/api/federation-ok?server_name=b.test'];
const headers = { host: 'm.a.test' };

describe('as it comes', () => {
  let ground: TesterGround;
  beforeAll(async () => {
    ground = await openTesterGround();
  });
  afterAll(() => ground?.close());

  it.each(PATHS)('%s is not on the public listeners', async (path) => {
    for (const on of ['https', 'federation'] as const) {
      const answer = await ask(ground.sidecar, path, { on, headers });
      expect([on, answer.status, answer.json()['errcode']]).toEqual([on, 404, 'M_UNRECOGNIZED']);
    }
  });
});

describe('with federation_tester.public', () => {
  let ground: TesterGround;
  let serverName: string;
  beforeAll(async () => {
    ground = await openTesterGround('federation_tester: { public: true, ca_file: CA_FILE }');
    serverName = (await ground.startTarget('inside.test')).serverName;
  });
  afterAll(() => ground?.close());

  it('it is on the https listener, and not on the federation port', async () => {
    const page = await ask(ground.sidecar, '/federationtester', { on: 'https', headers });
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect((await ask(ground.sidecar, '/federationtester', { on: 'federation', headers })).status).toBe(404);
    expect((await ask(ground.sidecar, '/api/report', { on: 'https', headers })).status).toBe(400);
  });

  it('strangers do not make it connect to private addresses', async () => {
    let connections = 0;
    const target = await ground.startTarget('secret.test', {
      front(_request, _response, pass) {
        connections += 1;
        pass();
      },
    });
    const { port } = new URL(`https://${target.serverName}`);
    for (const name of [target.serverName, `127.0.0.1:${port}`, `[::ffff:127.0.0.1]:${port}`]) {
      const answer = await ask(ground.sidecar, `/api/report?server_name=${encodeURIComponent(name)}`, {
        on: 'https',
        headers,
      });
      const report = publicReport.parse(answer.json());
      expect([name, report.ConnectionReports]).toEqual([name, {}]);
      expect(Object.values(report.ConnectionErrors)[0]?.Message).toContain('only public addresses are asked');
      expect(report.Verdict.FederationOK).toBe(false);
    }
    expect(connections).toBe(0);
    // The operator may.
    expect((await ground.admin(`/api/federation-ok?server_name=${target.serverName}`)).body).toBe('GOOD');
  });

  it('a network that asks too often is told to wait, and the operator is not', async () => {
    const answers = [];
    for (let index = 0; index < 8; index++) {
      answers.push(
        await ask(ground.sidecar, `/api/federation-ok?server_name=n${index}.test:1`, { on: 'https', headers }),
      );
    }
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(Number(refused.at(-1)?.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ground.admin(`/api/federation-ok?server_name=${serverName}`)).status).toBe(200);
  });

  it('Matrix paths go where they went', async () => {
    const answer = await ask(ground.sidecar, '/_matrix/client/versions', { on: 'https', headers });
    // The homeserver of this test is down.
    expect([answer.status, answer.json()['errcode']]).toEqual([502, 'M_UNKNOWN']);
    expect((await ask(ground.sidecar, '/.well-known/matrix/server', { on: 'https', headers })).json()).toEqual({
      'm.server': 'm.a.test:443',
    });
  });
});
