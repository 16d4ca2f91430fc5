import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../harness/client.ts';
import { completeYaml, startProcess } from '../harness/process.ts';
import { type SeveralProcesses, startSeveral } from '../harness/several.ts';
import { visitOverTls } from '../harness/tls-visit.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let serve: SeveralProcesses;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'several-'));
  upstream = await startHttpUpstream((_request, response) => response.end('{}'));
  serve = await startSeveral(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nprocesses: 2\nlog: { requests: all }\n`,
  );
});
afterAll(async () => {
  await serve?.close();
  await upstream?.close();
  await rm(folder, { recursive: true, force: true });
});

const requestsBy = (process: number): number =>
  serve.log().filter((line) => line['msg'] === 'request' && line['process'] === process).length;

/** The certificate that a new connection is shown. */
function look(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: serve.ca }, () => {
      resolve(socket.getPeerX509Certificate()!.fingerprint256);
      socket.end();
    });
    socket.once('error', reject);
  });
}

describe('several processes', () => {
  it('say once what they would all say, and each line of theirs has their number', async () => {
    const said = (sentence: RegExp) => serve.log().filter(({ msg }) => sentence.test(String(msg)));
    expect([said(/^Ready/).length, said(/^Serving a\.test/).length]).toEqual([1, 1]);
    await ask(serve, '/_matrix/x', { headers: { host: 'a.test' } });
    await until('the request in the log', () => said(/^request$/).length > 0);
    expect([1, 2]).toContain(said(/^request$/)[0]!['process']);
  });

  it('all serve at the same ports', async () => {
    await until('both have served', async () => {
      await Promise.all(Array.from({ length: 8 }, () => ask(serve, '/_matrix/x', { headers: { host: 'a.test' } })));
      return requestsBy(1) > 0 && requestsBy(2) > 0;
    });
    const { listeners, processes } = await serve.status();
    expect(listeners['https']).toEqual([`127.0.0.1:${serve.https}`]);
    expect(processes).toMatchObject([
      { slot: 1, restarts: 0, state: 'serving' },
      { slot: 2, restarts: 0, state: 'serving' },
    ]);
  });

  it('show the same certificate, and resume the TLS sessions of each other', async () => {
    const [first, second] = [requestsBy(1), requestsBy(2)];
    const seen = new Set<string>();
    let resumed = 0;
    // Sharing goes on beside serving.
    await until('ten in a row resumed', async () => {
      const { session } = await visitOverTls(serve.https, serve.ca, 'TLSv1.3');
      for (resumed = 0; resumed < 10; resumed++) {
        seen.add(await look(serve.https));
        if (!(await visitOverTls(serve.https, serve.ca, 'TLSv1.3', session)).resumed) return false;
      }
      return requestsBy(1) > first && requestsBy(2) > second;
    });
    expect([resumed, seen.size]).toEqual([10, 1]);
  });

  it('are ready together', async () => {
    const { code, ready, checks } = await serve.readiness();
    expect([code, ready]).toEqual([200, true]);
    expect(checks.map(({ name }) => name)).toEqual([
      'certificate for 127.0.0.1, ::1, a.test, localhost',
      'homeserver of a.test',
      'processes',
    ]);
    expect(checks.at(-1)).toMatchObject({ ok: true, detail: '2 of 2 serve' });
  });
});

describe('several processes that cannot start', () => {
  const start = async (yaml: string) => {
    const file = join(folder, 'sidecar.yaml');
    await writeFile(file, completeYaml(`processes: 3\n${yaml}`));
    const running = startProcess(['serve', '--config', file], { cwd: folder });
    const exit = await running.exited;
    return { ...exit, stdout: running.stdout(), stderr: running.stderr() };
  };

  it('say why once, as one would, and end with 1', async () => {
    const taken = await new Promise<Server>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
    });
    const { port } = taken.address() as AddressInfo;
    const ended = await start(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
listen: { https: "127.0.0.1:${port}", federation: "127.0.0.1:0", http: off, admin: off }`);
    taken.close();
    expect(ended).toMatchObject({ code: 1, signal: null, stdout: '' });
    expect(ended.stderr.trimEnd().split('\n')).toEqual([
      `Port ${port} is taken: cannot listen on 127.0.0.1:${port} (listen.https).`,
      expect.stringContaining('ss -ltnp'),
    ]);
  });

  it('say once what is wrong with the configuration', async () => {
    const ended = await start('servers: [{ server_name: "a b", homeserver: "http://h" }]');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr.trimEnd().split('\n')).toEqual([expect.stringContaining('servers[0].server_name')]);
  });
});

it('serving-process is not for people', async () => {
  const running = startProcess(['serving-process'], { cwd: folder });
  expect(await running.exited).toMatchObject({ code: 2 });
  expect(running.stderr()).toMatch(/Run `serve`/);
});
