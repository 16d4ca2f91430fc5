import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../harness/client.ts';
import { type SeveralProcesses, startSeveral, untilGone } from '../harness/several.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let serve: SeveralProcesses;
let yaml: string;
/** Requests for /_matrix/slow wait here until the test lets them go. */
const held: (() => void)[] = [];

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    if (request.url === '/_matrix/slow') held.push(() => response.end('{"slow":true}'));
    else response.end('{}');
  });
  yaml = `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nprocesses: 2\n`;
  serve = await startSeveral(yaml);
});
afterAll(async () => {
  await serve?.close();
  await upstream?.close();
});

const host = { host: 'a.test' };
const bothServe = () => until('both serve', async () => (await serve.pids()).length === 2, 30_000);

describe('a process that is killed', () => {
  it('is replaced at once, while the other one serves; the log has how it ended and its last words', async () => {
    const [first, second] = await serve.pids();
    // Node says something on stderr when it is asked for its debugger; port 0 is not for the asking.
    process.kill(second!, 'SIGUSR1');
    await until(
      'something on stderr',
      () => serve.stderr().includes('inspector') || serve.stderr().includes('Debugger'),
    );
    process.kill(second!, 'SIGKILL');
    const line = await serve.logged(
      /^Process 2 ended unexpectedly \(SIGKILL\) after \d+ s; another one takes its place now\.$/,
    );
    expect(line).toMatchObject({
      ...{ level: 'error', code: 'process-ended', process: 2, pid: second, exit_code: null, signal: 'SIGKILL' },
      lived_seconds: expect.any(Number),
      last_words: expect.stringMatching(/inspector|Debugger/),
    });
    // The other one answers all the time.
    expect((await ask(serve, '/_matrix/x', { headers: host })).status).toBe(200);
    const { code, ready, checks } = await serve.readiness();
    expect([code, ready, checks.at(-1)?.ok]).toEqual([200, true, true]);
    await bothServe();
    const { processes } = await serve.status();
    expect(processes).toMatchObject([
      { slot: 1, pid: first, restarts: 0, state: 'serving' },
      { slot: 2, restarts: 1, state: 'serving' },
    ]);
    expect(processes[1]?.pid).not.toBe(second);
    expect(await serve.metrics('matrix_sidecar_process_restarts_total')).toEqual(
      new Map([['matrix_sidecar_process_restarts_total', 1]]),
    );
  });

  it('again is replaced after a pause, by one that serves what is in force and not what the file says by then', async () => {
    await serve.write('servers: [');
    const [, second] = await serve.pids();
    const began = performance.now();
    process.kill(second!, 'SIGKILL');
    await serve.logged(
      /^Process 2 ended unexpectedly .*; another one takes its place in 1 s, since it was 2 in a row\.$/,
    );
    await bothServe();
    expect(performance.now() - began).toBeGreaterThan(1_000);
    await serve.write(yaml);
    expect(serve.log().filter(({ code }) => code === 'process-not-ready')).toEqual([]);
  });

  it('does not hear SIGTERM, SIGINT and SIGHUP, which a terminal sends to all', async () => {
    const before = await serve.pids();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) for (const pid of before) process.kill(pid, signal);
    for (let count = 0; count < 5; count++) await ask(serve, '/_matrix/x', { headers: host });
    expect(await serve.pids()).toEqual(before);
  });
});

it('when the supervising process is killed, the others accept nothing more, finish what they began, and end', async () => {
  const pids = await serve.pids();
  const poll = ask(serve, '/_matrix/slow', { headers: host });
  await until('at the homeserver', () => held.length === 1);
  serve.child.kill('SIGKILL');
  await until('nothing accepted', () => isRefused(serve.https));
  held.pop()?.();
  expect((await poll).json()).toEqual({ slow: true });
  for (const pid of pids) await untilGone(pid);
});

const isRefused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
