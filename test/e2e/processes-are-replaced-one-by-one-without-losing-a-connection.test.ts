import { Agent } from 'node:https';
import { connect as connectTcp, createServer, type Server } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask, askHttp2, openHttp2 } from '../harness/client.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { type SeveralProcesses, startSeveral, untilGone } from '../harness/several.ts';
import { isThorough } from '../harness/thorough.ts';
import { pause, until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

/** More where there is time. */
const RELOADS = isThorough ? 8 : 3;
const CHUNK = Buffer.alloc(65_536, 'x');

let upstream: TestUpstream;
let serve: SeveralProcesses;
let ports: readonly number[];
/** Requests for /_matrix/slow wait here until the test lets them go. */
const held: (() => void)[] = [];
/** Downloads go on until the test lets them end; chunks that were written. */
let downloading = true;
let written = 0;

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    if (request.url === '/_matrix/slow') held.push(() => response.end('{"slow":true}'));
    else if (request.url === '/_matrix/large') {
      const timer = setInterval(() => {
        if (response.writableNeedDrain) return;
        response.write(CHUNK);
        written += 1;
        if (downloading) return;
        clearInterval(timer);
        response.end();
      }, 2);
    } else response.end('{}');
  });
  ports = await findFreePorts(3);
  serve = await startSeveral(render('first.test'));
});
beforeEach(() => {
  held.length = 0;
});
afterAll(async () => {
  await serve?.close();
  await upstream?.close();
});

/** The name that a.test delegates to tells configurations apart. */
function render(delegateTo: string, more = 'processes: 2', listen = `https: "127.0.0.1:${ports[0]}"`): string {
  return `servers: [{ server_name: a.test, homeserver: "${upstream.url}", delegate_to: ${delegateTo} }]
listen: { ${listen}, federation: off, http: off, admin: "127.0.0.1:${ports[1]}" }
limits: { drain: 2m }
${more}
`;
}

function take(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const taken = createServer().once('error', reject);
    taken.listen(port, '127.0.0.1', () => resolve(taken));
  });
}

const host = { host: 'a.test' };
const delegation = async (): Promise<unknown> =>
  (await ask(serve, '/.well-known/matrix/server', { headers: host })).json()['m.server'];
const errors = () => serve.log().filter(({ level }) => level === 'error' || level === 'warn');

/** What a client does again and again, each on its own; resolves with the status. */
type Habit = () => Promise<number>;

/** One new connection after the other, over HTTP/1.1 or HTTP/2, or the same one for as long as it may be used. */
const HABITS: readonly (() => Habit)[] = [
  () => async () => (await ask(serve, '/_matrix/x', { headers: host })).status,
  () => async () => (await ask(serve, '/.well-known/matrix/server', { headers: host })).status,
  () => async () => {
    const session = openHttp2(serve);
    const { status } = await askHttp2(session, { ':path': '/_matrix/x', ':authority': 'a.test' });
    session.close();
    return status;
  },
  () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    return async () => {
      const { status } = await ask(serve, '/_matrix/x', { headers: host, agent });
      await pause(5);
      return status;
    };
  },
];

/** Clients at work, and what became of it. */
function startChurn(clients: number) {
  const seen = { answered: 0, failed: [] as unknown[] };
  let going = true;
  const all = Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      const habit = HABITS[index % HABITS.length]!();
      while (going) {
        const outcome = await habit().catch((error: unknown) => error);
        if (outcome === 200) seen.answered += 1;
        else seen.failed.push([index, outcome]);
      }
    }),
  );
  return {
    seen,
    async stop() {
      going = false;
      await all;
    },
  };
}

/** A client that connects, and shakes hands when it is told to. */
function connectSlowly(): { readonly finish: () => Promise<string> } {
  const socket = connectTcp(serve.https, '127.0.0.1');
  return {
    finish: () =>
      new Promise((resolve, reject) => {
        const tls = connectTls({ socket, servername: 'localhost', ca: serve.ca }, () =>
          tls.write('GET /_matrix/x HTTP/1.1\r\nHost: a.test\r\n\r\n'),
        );
        let text = '';
        tls.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        tls.once('error', reject).once('close', () => resolve(text));
      }),
  };
}

describe('SIGHUP', () => {
  it('replaces all processes, and neither a new connection nor a poll nor a download notices', async ({
    onTestFinished,
  }) => {
    const before = await serve.pids();
    const churn = startChurn(8);
    onTestFinished(() => churn.stop());
    const session = openHttp2(serve);
    const poll = ask(serve, '/_matrix/slow', { headers: host });
    const streamed = askHttp2(session, { ':path': '/_matrix/slow', ':authority': 'a.test' });
    const download = ask(serve, '/_matrix/large', { headers: host });
    await until('all under way', () => held.length === 2 && written > 10);
    for (let count = 0; count < RELOADS; count++) {
      await serve.write(render(`reload${count}.test`));
      const slow = Array.from({ length: 4 }, connectSlowly);
      const replaced = serve.hangUp();
      // Five seconds after its replacement began to serve, a process waits no more; on a busy machine that is soon.
      await Promise.race([replaced.then(() => pause(count === 0 ? 1_500 : 0)), pause(3_000)]);
      for (const one of slow) expect(await one.finish()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      await replaced;
      expect(await delegation()).toBe(`reload${count}.test`);
    }
    await churn.stop();
    // Those from the beginning still serve what they began.
    const { processes, requests_in_flight } = await serve.status();
    expect(processes.filter(({ state }) => state === 'draining').length).toBeGreaterThan(0);
    expect(requests_in_flight).toBeGreaterThan(3);
    for (const release of held.splice(0)) release();
    downloading = false;
    const answers = [await poll, await streamed, await download];
    session.close();
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers[0]!.body.toString()).toBe('{"slow":true}');
    expect(answers[2]!.body.length).toBe(written * CHUNK.length);

    expect(churn.seen.failed).toEqual([]);
    expect(churn.seen.answered).toBeGreaterThan(RELOADS * 10);
    const after = await serve.pids();
    expect(after).toHaveLength(2);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    for (const pid of before) await untilGone(pid);
    expect([errors(), serve.stderr()]).toEqual([[], '']);
  });

  it('several times during a replacement is done once more, with what is written by then', async () => {
    const seen = serve.log().length;
    for (const name of ['one.test', 'two.test', 'three.test']) {
      await serve.write(render(name));
      serve.child.kill('SIGHUP');
      // Else the system makes one signal of several.
      await until('the signal seen', async () => (await serve.status()).processes.length > 0);
    }
    const announced = () =>
      serve
        .log()
        .slice(seen)
        .filter(({ msg }) => /^Serving/.test(String(msg)))
        .map((line) => line['delegate_to']);
    await until('the last one in force', () => announced().at(-1) === 'three.test', 20_000);
    // The second one only where the machine is so slow that the third came after it was begun.
    expect(announced().filter((name) => name !== 'two.test')).toEqual(['one.test', 'three.test']);
    expect(await delegation()).toBe('three.test');
    await until('the others gone', async () => (await serve.status()).processes.length === 2, 20_000);
    expect(errors()).toEqual([]);
  });

  it('follows the number of processes, up and down', async () => {
    const churn = startChurn(2);
    for (const count of [3, 1]) {
      await serve.write(render('count.test', `processes: ${count}`));
      await serve.hangUp();
      expect(await serve.pids()).toHaveLength(count);
    }
    await churn.stop();
    expect([churn.seen.failed, errors()]).toEqual([[], []]);
  });

  it('opens an address and closes it again', async () => {
    const both = `https: ["127.0.0.1:${ports[0]}", "127.0.0.1:${ports[2]}"]`;
    await serve.write(render('both.test', 'processes: 2', both));
    await serve.hangUp();
    expect((await ask(serve, '/_matrix/x', { headers: host, port: ports[2] })).status).toBe(200);
    await serve.write(render('one.test'));
    await serve.hangUp();
    await until('closed', async () => !(await isOpen(ports[2]!)));
    expect(await isOpen(ports[0]!)).toBe(true);
  });
});

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

describe('a configuration that cannot be had changes nothing', () => {
  it('when it has mistakes: they are logged, and no process is replaced', async () => {
    const before = await serve.pids();
    await serve.write('servers:\n  - server_name: https://x\n    homeserver: nowhere\n');
    const line = await serve.hangUp(/stays in force/);
    expect([line['level'], (line['problems'] as string[]).length]).toEqual(['error', 2]);
    expect(await serve.pids()).toEqual(before);
  });

  it('when the first new process cannot serve it: the log says why, and the old ones go on', async () => {
    const before = await serve.pids();
    const taken = await take(ports[2]!);
    await serve.write(
      render('never.test', 'processes: 2', `https: ["127.0.0.1:${ports[0]}", "127.0.0.1:${ports[2]}"]`),
    );
    const line = await serve.hangUp(/stays in force/);
    taken.close();
    expect(line['msg']).toBe(
      `Reload failed, the old configuration stays in force: Port ${ports[2]} is taken: cannot listen on 127.0.0.1:${ports[2]} (listen.https).`,
    );
    expect(line['hint']).toContain('ss -ltnp');
    expect([await serve.pids(), await delegation()]).toEqual([before, 'one.test']);
    await serve.write(render('again.test'));
    await serve.hangUp();
    expect(await delegation()).toBe('again.test');
  });
});
