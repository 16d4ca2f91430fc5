import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, askHttp2, openHttp2 } from '../harness/client.ts';
import { type ServeProcess, startServe } from '../harness/process.ts';
import { pause, until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

/** Descriptors that the sidecar may have. */
const DESCRIPTORS = 256;

let upstream: TestUpstream;
let served: ServeProcess;
const held: ServerResponse[] = [];
beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    if (request.url?.includes('sync') === true) held.push(response);
    else response.end('{}');
  });
  served = await startServe(
    `servers: [{ server_name: a.test, homeserver: "http://localhost:${upstream.port}", delegate_to: "hs.a.test:443" }]`,
    undefined,
    { through: ['sh', '-c', `ulimit -n ${DESCRIPTORS}; exec "$@"`, 'sh'] },
  );
});
afterAll(async () => {
  await served?.close();
  await upstream?.close();
});

/** What the sidecar has used so far (proc_pid_stat(5): utime and stime, in ticks of 10 ms). */
function cpuSeconds(): number {
  const [, , , , , , , , , , , user, system] = readFileSync(`/proc/${served.child.pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(user) + Number(system)) / 100;
}

const lines = (code: string) => served.log().filter((line) => line['code'] === code);
const path = (name: string): string => `/_matrix/client/v3/${name}`;
const answered = async (name: string): Promise<number> =>
  (await ask(served, path(name), { headers: { host: 'a.test' } })).status;

it('a small limit is said at the start, with what to do', () => {
  expect(lines('descriptors-few')).toHaveLength(1);
  expect(lines('descriptors-few')[0]).toMatchObject({ level: 'warn', hint: expect.stringContaining('LimitNOFILE') });
});

it('400 connections are more than it can have: newcomers are served all the same, before, during and after', async () => {
  const strangers: Socket[] = [];
  for (let index = 0; index < 400; index++) {
    const socket = connect({ host: '127.0.0.1', port: served.https, localAddress: `127.0.9.${1 + (index % 50)}` });
    socket.on('error', () => {});
    strangers.push(socket);
    if (index % 40 === 0) expect(await answered(`profile/${index}`)).toBe(200);
  }
  expect(await answered('profile/during')).toBe(200);
  for (const socket of strangers) socket.destroy();
  expect(await answered('profile/after')).toBe(200);
  expect(lines('descriptors-exhausted')).toEqual([]);
});

it('more requests than descriptors wait for one, cost no others, and are said once', async () => {
  const sessions = [openHttp2(served), openHttp2(served), openHttp2(served)];
  const asked = sessions.flatMap((session) =>
    Array.from({ length: 90 }, () =>
      askHttp2(session, { ':path': path('sync'), ':authority': 'a.test', ':method': 'GET' }),
    ),
  );
  await until('the descriptors are used up', () => lines('descriptors-exhausted').length > 0, 20_000);
  await until('the homeserver has what could be sent', () => held.length > 150, 20_000);
  expect(held.length).toBeLessThan(DESCRIPTORS);
  const before = cpuSeconds();
  await pause(1_000);
  // It waits, rather than to try without a pause.
  expect(cpuSeconds() - before).toBeLessThan(0.7);
  // What needs no connection of its own is answered on one that is there.
  const wellKnown = await askHttp2(sessions[0]!, {
    ':path': '/.well-known/matrix/server',
    ':authority': 'a.test',
    ':method': 'GET',
  });
  expect(wellKnown.status).toBe(200);
  const answering = setInterval(() => {
    for (const response of held.splice(0)) response.end('{}');
  }, 20);
  for (const { status } of await Promise.all(asked)) expect(status).toBe(200);
  clearInterval(answering);
  for (const session of sessions) session.close();
  expect(await answered('profile/after')).toBe(200);
  expect(lines('descriptors-exhausted')).toHaveLength(1);
  // It was not the homeserver's doing.
  expect(served.log().filter((line) => String(line['msg']).includes('wait for it'))).toEqual([]);
}, 40_000);
