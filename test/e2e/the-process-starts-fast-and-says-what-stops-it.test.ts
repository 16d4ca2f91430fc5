import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/base/version.ts';
import { ask } from '../harness/client.ts';
import { type ProcessOptions, startProcess, startServe, type TestProcess } from '../harness/process.ts';

let folder: string;
const leftOver: TestProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'start-'));
});
afterAll(async () => {
  for (const one of leftOver) await one.close();
  await rm(folder, { recursive: true, force: true });
});

const SERVERS = 'servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]';

async function run(args: readonly string[], options: ProcessOptions = {}) {
  const running = startProcess(args, { cwd: folder, ...options });
  const { code, signal } = await running.exited;
  return { code, signal, stdout: running.stdout(), stderr: running.stderr() };
}

describe('serve', () => {
  it('answers well under a second after its start, when the development CA is there', async () => {
    const first = await startServe(SERVERS, folder);
    leftOver.push(first);
    first.child.kill('SIGTERM');
    expect(await first.exited).toEqual({ code: 0, signal: null });
    let ms = Number.POSITIVE_INFINITY;
    // Idle, it takes 0.4 s; a machine that is busy with other things gets a few attempts.
    for (let attempt = 0; attempt < 5 && ms >= 3_000; attempt++) {
      const began = performance.now();
      const second = await startServe(SERVERS, folder);
      leftOver.push(second);
      const answer = await ask(second, '/.well-known/matrix/client');
      ms = Math.round(performance.now() - began);
      await second.close();
      // The same CA as before, or everybody who trusts it would have to be told.
      expect([answer.status, second.ca]).toEqual([200, first.ca]);
    }
    console.log(`from the start of the process to its first answer: ${ms} ms`);
    expect(ms).toBeLessThan(3_000);
  });

  it.concurrent('says everything that is wrong with its configuration, each with its place, and ends with 1', async () => {
    const file = join(folder, 'wrong.yaml');
    await writeFile(
      file,
      `servers:
  - server_name: https://a.test
    homeserver: synapse:8008
    delegat_to: x.test
listen:
  https: 99999
`,
    );
    const { code, stdout, stderr } = await run(['serve', '--config', file]);
    expect([code, stdout]).toEqual([1, '']);
    const places = stderr
      .trimEnd()
      .split('\n')
      .map((line) => /:(\d+):\d+ /.exec(line)?.[1]);
    expect(places).toEqual(['2', '3', '4', '6']);
    for (const key of ['servers[0].server_name', 'servers[0].homeserver', 'delegat_to', 'listen.https'])
      expect(stderr).toContain(key);
    expect(stderr).not.toMatch(/\n\n|at .*\.ts:/);
  });

  it.concurrent.each([
    ['a file that is not there', ['serve', '--config', 'none.yaml'], /none\.yaml.*there is no such file/],
    ['no configuration at all', ['serve'], /SERVER_NAME/],
  ])('%s: one clear message, and 1', async (_name, args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/at .*\.ts:/);
  });

  it.concurrent('a certificate that cannot be used: its mistakes, and 1', async () => {
    const file = join(folder, 'certificate.yaml');
    await writeFile(join(folder, 'empty.pem'), '');
    await writeFile(
      file,
      `certificates: files
listen: { https: "127.0.0.1:0", federation: "127.0.0.1:0", http: off, admin: off }
servers:
  - { server_name: a.test, homeserver: "http://127.0.0.1:1", certificate: { cert: empty.pem, key: empty.pem } }
  - { server_name: b.test, homeserver: "http://127.0.0.1:1", certificate: { cert: missing.pem, key: missing.key } }
`,
    );
    const { code, stderr } = await run(['serve', '--config', file]);
    expect(code).toBe(1);
    expect(stderr).toContain('empty.pem');
    expect(stderr).toContain('missing.pem');
    expect(stderr).not.toMatch(/at .*\.ts:/);
  });

  it.concurrent('takes two variables for a configuration', async () => {
    const env = {
      SERVER_NAME: 'a.test',
      HOMESERVER: 'http://127.0.0.1:1',
      CERTIFICATES: 'local',
      LISTEN_HTTPS: '127.0.0.1:0',
      LISTEN_FEDERATION: '127.0.0.1:0',
      LISTEN_HTTP: 'off',
      LISTEN_ADMIN: 'off',
    };
    const cwd = await mkdtemp(join(folder, 'environment-'));
    const running = startProcess(['serve'], { cwd, env });
    leftOver.push(running);
    await running.logged(/^Ready/);
    running.child.kill('SIGINT');
    expect(await running.exited).toEqual({ code: 0, signal: null });
  });
});

it.concurrent('the exit code of the process tells wrong usage from success', async () => {
  expect(await run(['--version'])).toEqual({ code: 0, signal: null, stdout: `${VERSION}\n`, stderr: '' });
  expect(await run(['serve', '--nonsense'])).toMatchObject({ code: 2, stdout: '' });
});
