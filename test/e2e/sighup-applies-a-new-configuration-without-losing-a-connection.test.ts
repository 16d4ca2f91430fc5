import { readFile, rm } from 'node:fs/promises';
import { Agent, get, type RequestOptions } from 'node:https';
import { connect as connectTcp, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask, askHttp2, openHttp2 } from '../harness/client.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { HAS_IPV6 } from '../harness/loopback.ts';
import { type ServeProcess, startServe } from '../harness/process.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let serve: ServeProcess;
/** Requests for /_matrix/slow wait here until the test lets them go. */
const held: (() => void)[] = [];
/** Configured ports, free when the test began; 127.0.0.1. */
let ports: number[];

function render(servers: readonly object[], listen: Record<string, unknown>, more = ''): string {
  // JSON is YAML.
  return `servers: ${JSON.stringify(servers)}\nlisten: ${JSON.stringify(listen)}\n${more}`;
}

const server = (name: string, more: object = {}) => ({ server_name: name, homeserver: upstream.url, ...more });
const at = (...chosen: number[]): string[] => chosen.map((port) => `127.0.0.1:${port}`);
const listening = (more: Record<string, unknown> = {}) => ({
  https: at(ports[0]!),
  federation: at(ports[1]!),
  http: 'off',
  admin: 'off',
  ...more,
});

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    if (request.url === '/_matrix/slow') held.push(() => response.end('{"slow":true}'));
    else response.end('{}');
  });
  ports = await findFreePorts(6);
  serve = await startServe(render([server('a.test')], listening()));
});
beforeEach(() => {
  held.length = 0;
});
afterAll(async () => {
  await serve?.close();
  await upstream?.close();
});

async function take(port: number, host = '127.0.0.1'): Promise<Server> {
  const taken = createServer();
  await new Promise<void>((resolve, reject) => {
    taken.once('error', reject);
    taken.listen(port, host, resolve);
  });
  return taken;
}

/** Writes a configuration, sends SIGHUP and waits for what the log says of it. */
async function reload(yaml: string, outcome = /^Reloaded/): Promise<Record<string, unknown>> {
  const seen = serve.log().length;
  await serve.write(yaml);
  serve.child.kill('SIGHUP');
  return serve.logged(outcome, seen);
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const wellKnown = async (host: string, port = ports[0]!): Promise<unknown> => {
  const answer = await ask(serve, '/.well-known/matrix/server', { port, headers: { host } });
  return answer.status === 200 ? answer.json()['m.server'] : answer.status;
};

/** A client that keeps one connection. */
function keepOne() {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<unknown>();
  return {
    sockets,
    close: () => agent.destroy(),
    ask: (path: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const where = { host: '127.0.0.1', port: ports[0], servername: 'localhost', ca: serve.ca };
        const options: RequestOptions = { ...where, path, agent, headers: { host: 'a.test' } };
        const sent = get(options, (response) => {
          response.resume().once('end', () => resolve(response.statusCode));
        });
        sent.once('socket', (socket) => sockets.add(socket));
        sent.once('error', reject);
      }),
  };
}

describe('a good configuration', () => {
  it('comes into force: servers, documents, ports, and log settings', async () => {
    expect([await wellKnown('a.test'), await wellKnown('b.test')]).toEqual([404, 404]);
    expect(await isOpen(ports[2]!)).toBe(false);
    const next = [server('a.test', { delegate_to: 'm.a.test:443' }), server('b.test', { delegate_to: 'm.b.test' })];
    const { listeners } = await reload(render(next, listening({ https: at(ports[0]!, ports[2]!) })));
    expect(listeners).toEqual({ https: at(ports[0]!, ports[2]!), federation: at(ports[1]!), http: [], admin: [] });
    expect([await wellKnown('a.test'), await wellKnown('b.test')]).toEqual(['m.a.test:443', 'm.b.test']);
    // With two homeservers, a host that is neither's is nobody's; with one, it was that one's.
    expect(await wellKnown('stranger.test')).toBe(421);
    expect(await wellKnown('b.test', ports[2])).toBe('m.b.test');
    // The development certificate covers the new names.
    const verified = await ask(serve, '/.well-known/matrix/server', {
      port: ports[0],
      servername: 'm.b.test',
      headers: { host: 'm.b.test' },
    });
    expect(verified.status).toBe(200);

    await reload(render([server('a.test')], listening({ federation: 'off' }), 'log: { requests: all }\n'));
    expect(await Promise.all([0, 1, 2].map((index) => isOpen(ports[index]!)))).toEqual([true, false, false]);
    expect(await wellKnown('a.test')).toBe(404);
    await until('a request in the log', () => serve.log().some((line) => line['msg'] === 'request'));
    await reload(render([server('a.test')], listening()));
  });

  it('loses no connection: what was idle goes on, what waits is answered, over HTTP/1.1 and HTTP/2', async () => {
    const kept = keepOne();
    const waiting = keepOne();
    const session = openHttp2({ ...serve, https: ports[0]! });
    const two = (path: string) => askHttp2(session, { ':path': path, ':authority': 'a.test' });
    expect([await kept.ask('/_matrix/x'), (await two('/_matrix/x')).status]).toEqual([200, 200]);
    const polls = [waiting.ask('/_matrix/slow'), two('/_matrix/slow').then(({ status }) => status)];
    await until('both at the homeserver', () => held.length === 2);
    // While those two wait, others need a connection to the homeserver of their own; it is there from now on.
    expect(await kept.ask('/_matrix/x')).toBe(200);
    const before = upstream.accepted();

    // Everything about the ways in changes: the port that they came by is closed.
    const next = [server('a.test', { delegate_to: 'm.a.test:443' })];
    await reload(render(next, listening({ https: at(ports[3]!) }), 'limits: { keep_alive: 30s, stalled: 5s }\n'));
    expect([await isOpen(ports[0]!), await isOpen(ports[3]!)]).toEqual([false, true]);

    expect([await kept.ask('/_matrix/x'), (await two('/_matrix/x')).status]).toEqual([200, 200]);
    expect(kept.sockets.size).toBe(1);
    expect(session.closed).toBe(false);
    // The homeserver notices nothing of a reload either.
    expect(upstream.accepted()).toBe(before);
    // Connections from before see what is in force now.
    const seen = await two('/.well-known/matrix/server');
    expect(JSON.parse(seen.body.toString())).toEqual({ 'm.server': 'm.a.test:443' });
    for (const release of held.splice(0)) release();
    expect(await Promise.all(polls)).toEqual([200, 200]);
    await reload(render([server('a.test')], listening()));
    expect([await kept.ask('/_matrix/x'), kept.sockets.size]).toEqual([200, 1]);
    session.close();
    kept.close();
    waiting.close();
  });

  it('can hand a port from one listener to another, or from all addresses to one', async () => {
    const swapped = listening({ https: at(ports[1]!), federation: at(ports[0]!) });
    await reload(render([server('a.test', { delegate_to: 'm.a.test' })], swapped));
    expect([await wellKnown('a.test', ports[0]), await wellKnown('a.test', ports[1])]).toEqual([404, 'm.a.test']);
    await reload(render([server('a.test')], listening({ http: ports[4] })));
    const { listeners } = await reload(render([server('a.test')], listening({ http: at(ports[4]!) })));
    expect((listeners as Record<string, unknown>)['http']).toEqual(at(ports[4]!));
    expect(await isOpen(ports[4]!)).toBe(true);
    await reload(render([server('a.test')], listening()));
    expect(await wellKnown('a.test')).toBe(404);
  });

  it('is read once for each SIGHUP, in order, also when they come in a burst', async () => {
    const kept = keepOne();
    await kept.ask('/_matrix/x');
    const seen = serve.log().length;
    await serve.write(
      render([server('a.test', { delegate_to: 'burst.test' })], listening({ https: at(ports[0]!, ports[2]!) })),
    );
    for (let count = 0; count < 5; count++) serve.child.kill('SIGHUP');
    await serve.logged(/^Reloaded/, seen);
    // How many reloads a burst makes is the system's to say, and some may be on their way still.
    await reload(render([server('a.test', { delegate_to: 'last.test' })], listening()));
    await vi.waitFor(async () => expect(await wellKnown('a.test')).toBe('last.test'), 10_000);
    await vi.waitFor(async () => expect(await isOpen(ports[2]!)).toBe(false), 10_000);
    expect([await kept.ask('/_matrix/x'), kept.sockets.size]).toEqual([200, 1]);
    expect(
      serve.log().filter((line) => line['level'] === 'error' && /stays in force/.test(String(line['msg']))),
    ).toEqual([]);
    kept.close();
    await reload(render([server('a.test')], listening()));
    await vi.waitFor(async () => expect(await wellKnown('a.test')).toBe(404), 10_000);
  });
});

describe('a configuration that cannot be had changes nothing', () => {
  it('when it has mistakes: all of them are logged, with file and line', async () => {
    const file = join(serve.folder, 'sidecar.yaml');
    const bad = 'servers:\n  - server_name: https://x\n    homeserver: nowhere\nlisten:\n  https: 99999\n';
    const line = await reload(bad, /stays in force/);
    expect(line['level']).toBe('error');
    const problems = line['problems'] as string[];
    expect(problems.map((problem) => problem.replace(/^(.*?):(\d+):\d+ .*/, '$1 $2').replace(file, 'FILE'))).toEqual([
      'FILE 4',
      'FILE 5',
      'FILE 7',
    ]);
    expect([await wellKnown('a.test'), await isOpen(ports[0]!), await isOpen(ports[1]!)]).toEqual([404, true, true]);
  });

  it('when it is not there any more', async () => {
    const file = join(serve.folder, 'sidecar.yaml');
    const before = await readFile(file, 'utf8');
    const seen = serve.log().length;
    await rm(file);
    serve.child.kill('SIGHUP');
    const line = await serve.logged(/stays in force/, seen);
    expect(JSON.stringify(line['problems'])).toContain('sidecar.yaml');
    await serve.write(before);
    expect(await wellKnown('a.test')).toBe(404);
  });

  it('when one of its ports is taken: not one of the others is opened or closed', async () => {
    const taken = await take(ports[5]!);
    const kept = keepOne();
    await kept.ask('/_matrix/x');
    const next = [server('a.test', { delegate_to: 'm.a.test' })];
    const wanted = listening({ https: at(ports[2]!), federation: at(ports[5]!) });
    const line = await reload(render(next, wanted), /stays in force/);
    expect(line['msg']).toContain(
      `Port ${ports[5]} is taken: cannot listen on 127.0.0.1:${ports[5]} (listen.federation).`,
    );
    expect(line['hint']).toContain('ss -ltnp');
    expect(await Promise.all([0, 1, 2].map((index) => isOpen(ports[index]!)))).toEqual([true, true, false]);
    expect([await wellKnown('a.test'), await kept.ask('/_matrix/x'), kept.sockets.size]).toEqual([404, 200, 1]);

    // Also where a port of ours had to be let go for it.
    const crossed = listening({ https: at(ports[1]!), federation: at(ports[5]!) });
    await reload(render(next, crossed), /stays in force/);
    expect([await isOpen(ports[0]!), await isOpen(ports[1]!)]).toEqual([true, true]);
    expect([await wellKnown('a.test'), await kept.ask('/_matrix/x')]).toEqual([404, 200]);
    kept.close();
    await new Promise((resolve) => taken.close(resolve));
    // What was in the way is gone: the same configuration is taken now.
    await reload(render(next, wanted));
    expect(await wellKnown('a.test', ports[2])).toBe('m.a.test');
    await reload(render([server('a.test')], listening()));
  });

  it.skipIf(!HAS_IPV6)(
    'when one of ours had to be closed first, for an address that cannot be had after all',
    async () => {
      await reload(render([server('a.test')], listening({ http: at(ports[4]!) })));
      // All addresses of this port: one of them is somebody else's.
      const taken = await take(ports[4]!, '::1');
      const wanted = listening({ https: at(ports[0]!, ports[2]!), http: ports[4] });
      const line = await reload(render([server('a.test', { delegate_to: 'm.a.test' })], wanted), /stays in force/);
      expect(line['msg']).toContain(`Port ${ports[4]} is taken`);
      // What was closed is open again, and what was opened is closed again.
      expect(await Promise.all([0, 1, 4, 2].map((index) => isOpen(ports[index]!)))).toEqual([true, true, true, false]);
      expect(await wellKnown('a.test')).toBe(404);
      await new Promise((resolve) => taken.close(resolve));
      await reload(render([server('a.test')], listening()));
      expect(await isOpen(ports[4]!)).toBe(false);
    },
  );

  it('when a certificate of its cannot be used', async () => {
    const bad = server('a.test', { delegate_to: 'm.a.test', certificate: { cert: 'none.pem', key: 'none.key' } });
    const line = await reload(render([bad], listening({ https: at(ports[2]!) })), /stays in force/);
    expect(line['msg']).toContain('none.pem');
    expect([await wellKnown('a.test'), await isOpen(ports[2]!)]).toEqual([404, false]);
  });
});

it('SIGTERM while a reload is under way still ends it, with 0', async () => {
  await serve.write(render([server('a.test')], listening({ https: at(ports[0]!, ports[2]!) })));
  serve.child.kill('SIGHUP');
  serve.child.kill('SIGTERM');
  expect(await serve.exited).toEqual({ code: 0, signal: null });
  expect(serve.stderr()).toBe('');
});
