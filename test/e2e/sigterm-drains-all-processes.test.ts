import { afterAll, describe, expect, it } from 'vitest';
import { ask } from '../harness/client.ts';
import { type SeveralProcesses, startSeveral, untilGone } from '../harness/several.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

const leftOver: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of leftOver) await end();
});

async function start(
  drain: string,
): Promise<{ serve: SeveralProcesses; upstream: TestUpstream; held: (() => void)[] }> {
  const held: (() => void)[] = [];
  const upstream = await startHttpUpstream((_request, response) => held.push(() => response.end('{"slow":true}')));
  const serve = await startSeveral(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nprocesses: 2\nlimits: { drain: ${drain} }\n`,
  );
  leftOver.push(serve.close, upstream.close);
  return { serve, upstream, held };
}

const poll = (serve: SeveralProcesses) => ask(serve, '/_matrix/slow', { headers: { host: 'a.test' } });

describe.concurrent('with several processes', () => {
  it('SIGTERM, or Ctrl-C that reaches all of them, lets what is under way finish, and it ends with 0', async () => {
    const { serve, held } = await start('1m');
    const pids = await serve.pids();
    const polls = Array.from({ length: 8 }, () => poll(serve));
    await until('all at the homeserver', () => held.length === 8);
    for (const pid of [serve.child.pid!, ...pids]) process.kill(pid, 'SIGINT');
    await serve.logged(/^Draining/);
    await until('nothing accepted any more', () =>
      poll(serve).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
      ),
    );
    for (const release of held.splice(0)) release();
    for (const one of polls) expect((await one).json()).toEqual({ slow: true });
    expect(await serve.exited).toEqual({ code: 0, signal: null });
    expect(
      serve
        .log()
        .map(({ msg }) => msg)
        .slice(-2),
    ).toEqual(['Draining: no new connections, what runs may finish.', 'Stopped.']);
    expect(serve.stderr()).toBe('');
    for (const pid of pids) await untilGone(pid);
  });

  it('a second signal ends all of them at once, with 0', async () => {
    const { serve, held } = await start('1h');
    const pids = await serve.pids();
    const polls = Array.from({ length: 4 }, () =>
      poll(serve).then(
        () => 'answered',
        () => 'cut',
      ),
    );
    await until('all at the homeserver', () => held.length === 4);
    serve.child.kill('SIGTERM');
    await serve.logged(/^Draining/);
    serve.child.kill('SIGTERM');
    expect(await Promise.all(polls)).toEqual(Array.from({ length: 4 }, () => 'cut'));
    expect(await serve.exited).toEqual({ code: 0, signal: null });
    for (const pid of pids) await untilGone(pid);
  });

  it('SIGTERM in the middle of a replacement ends the new ones, too', async () => {
    const { serve } = await start('5s');
    serve.child.kill('SIGHUP');
    await until('one more', async () => (await serve.status()).processes.length > 0);
    serve.child.kill('SIGTERM');
    expect(await serve.exited).toEqual({ code: 0, signal: null });
    expect(serve.log().filter(({ level }) => level === 'error')).toEqual([]);
  });
});
