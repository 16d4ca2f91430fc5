import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect as connectTcp, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { completeYaml, MAIN, startProcess } from '../harness/process.ts';

let folder: string;
let taken: Server;
let port: number;
let written = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bind-'));
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  port = (taken.address() as AddressInfo).port;
});
afterAll(async () => {
  taken?.close();
  await rm(folder, { recursive: true, force: true });
});

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all'];
const SERVERS = 'servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]';

async function serve(listen: string, { through = [], more = '' }: { through?: readonly string[]; more?: string } = {}) {
  const file = join(folder, `${++written}.yaml`);
  await writeFile(file, completeYaml(`listen: { ${listen} }\n${more}${SERVERS}`));
  const running = startProcess(['serve', '--config', file], { cwd: folder, through });
  const exit = await running.exited;
  return { exit, stdout: running.stdout(), stderr: running.stderr() };
}

function isOpen(at: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(at, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A port that was free a moment ago. */
async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

it.concurrent.each(['federation', 'admin'])('a port in use, for %s', async (listener) => {
  const free = await findFreePort();
  const others = ['https', 'federation', 'http', 'admin'].filter((name) => name !== listener);
  const places = others.map((name, index) => `${name}: "127.0.0.1:${index === 0 ? free : 0}"`);
  const { exit, stdout, stderr } = await serve(`${places.join(', ')}, ${listener}: "127.0.0.1:${port}"`);
  expect(exit).toEqual({ code: 1, signal: null });
  expect(stderr).toBe(
    `Port ${port} is taken: cannot listen on 127.0.0.1:${port} (listen.${listener}).\n` +
      `Find who has it with "ss -ltnp sport = :${port}" and stop that, or set listen.${listener} to another port.\n`,
  );
  expect(stdout).not.toContain('Ready');
  // Nothing that was bound before the failure is left, and whoever had the port still has it.
  expect([await isOpen(free), await isOpen(port)]).toEqual([false, true]);
});

it.concurrent('an address that this machine does not have', async () => {
  const { exit, stderr } = await serve('https: "192.0.2.1:0", federation: off, http: off, admin: off');
  expect(exit).toEqual({ code: 1, signal: null });
  expect(stderr).toBe(
    'This machine has no address 192.0.2.1: cannot listen on 192.0.2.1:0 (listen.https).\n' +
      'See "ip address" for those it has; a port alone in listen.https listens on all of them.\n',
  );
});

/** Up to which port a privilege is needed; Docker sets 0 in its containers. */
async function readUnprivilegedStart(): Promise<number> {
  const text = await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8').catch(() => '1024');
  return Number(text);
}

it.concurrent('a port below 1024 without the privilege', async (context) => {
  if ((await readUnprivilegedStart()) <= 81) return context.skip('this machine lets everybody have ports below 1024');
  // Root has the privilege: the program is started without it, as a user who can at least read it.
  const through = process.getuid?.() === 0 ? NOBODY : [];
  const [program, ...more] = [...through, process.execPath, '-e', `fs.accessSync(${JSON.stringify(MAIN)})`];
  if (spawnSync(program!, more).status !== 0) return context.skip('this machine cannot run it as another user');
  await chmod(folder, 0o777);
  const listen = 'https: "127.0.0.1:81", federation: off, http: off, admin: off';
  const { exit, stderr } = await serve(listen, { through, more: 'store: certs-of-nobody\n' });
  expect(stderr).toBe(
    'Not allowed to listen on 127.0.0.1:81 (listen.https): ports below 1024 need a privilege.\n' +
      'Give it CAP_NET_BIND_SERVICE (compose: cap_add: [NET_BIND_SERVICE]; systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or set listen.https to a port from 1024 on and forward to it.\n',
  );
  expect(exit).toEqual({ code: 1, signal: null });
});
