import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { realSystem, type System } from '../../src/base/system.ts';
import type { Store } from '../../src/store/store.ts';
import { pause, until } from '../harness/until.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { createPostgresStores, failure, requirePostgres, spell } from './postgres-stores.ts';
import { type Relay, startRelay } from './tcp-relay.ts';

const missing = requirePostgres();
const why = missing === undefined ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== undefined)(`A store in PostgreSQL when something fails${why}`, () => {
  let server: PostgresServer;
  const stores = createPostgresStores();
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterEach(() => stores.close());
  afterAll(async () => {
    await server?.close();
  });
  const open = (url = server.url(), system?: System): Store => stores.open(url, system);

  async function relayed(onData?: (chunk: Buffer) => boolean): Promise<{ relay: Relay; store: Store }> {
    const relay = await startRelay(server.port, onData);
    stores.add(relay);
    return { relay, store: open(server.url({ port: relay.port })) };
  }

  test('a connection that is cut in the middle of a write costs nothing when the next one holds', async () => {
    let cuts = 0;
    const { store } = await relayed((chunk) => {
      if (cuts > 0 || !chunk.includes('INSERT INTO "matrix_sidecar_values"')) return true;
      cuts += 1;
      return false;
    });
    await store.write('cut', Buffer.from('whole'));
    expect(cuts).toBe(1);
    expect((await store.read('cut'))?.toString()).toBe('whole');
  });

  test('connections that are always cut in the middle of a write make it fail, and reads go on', async () => {
    const { store } = await relayed((chunk) => !chunk.includes('INSERT INTO "matrix_sidecar_values"'));
    const error = await failure(store.write('never', Buffer.from('a secret value')));
    expect(error).toMatchObject({ code: 'store-unreachable', blame: 'remote', retryAfter: 5 });
    expect(spell(error)).not.toContain('a secret value');
    expect(await store.read('never')).toBeUndefined();
  });

  test('a lease is not taken twice when the answer to acquiring it is lost', async () => {
    let cuts = 0;
    const { store, relay } = await relayed((chunk) => {
      if (cuts > 0 || !chunk.includes('INSERT INTO "matrix_sidecar_leases"')) return true;
      cuts += 1;
      // Late enough that the server has done it.
      setTimeout(() => relay.cut(), 100);
      return true;
    });
    await store.list('');
    relay.delayAnswers(200);
    const lease = await store.acquireLease('answer-lost');
    expect(cuts).toBe(1);
    expect(lease?.generation).toBe(2);
    expect(await open().acquireLease('answer-lost')).toBeUndefined();
  });

  test('a server that answers nothing any more: calls reject in time, and the lease is lost before it runs out', async () => {
    const { store, relay } = await relayed();
    const lease = await store.acquireLease('frozen');
    await store.write('frozen', Buffer.from('x'));
    relay.freeze();
    const began = performance.now();
    expect(await failure(store.read('frozen'))).toMatchObject({ code: 'store-unreachable', blame: 'remote' });
    expect(await failure(store.read('frozen'))).toMatchObject({ code: 'store-unreachable' });
    await until('the lease is lost', () => lease!.lost.aborted, 20_000);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(lease?.lost.reason).toMatchObject({ code: 'store-lease-lost' });
    const other = open();
    let next = await other.acquireLease('frozen');
    for (let second = 0; next === undefined && second < 10; second += 1) {
      await pause(1_000);
      next = await other.acquireLease('frozen');
    }
    expect(next?.generation).toBe(2);
  });

  test('a restarted server: nothing is half-written, a lease survives, and changes are heard of again', async () => {
    const store = open();
    const other = open();
    const heard: string[] = [];
    store.onChange('restart/', (key) => heard.push(key));
    const lease = await store.acquireLease('restart');
    await store.write('restart/key', Buffer.from('0'));
    await until('the first change', () => heard.includes('restart/key'));
    let last = 0;
    let confirmed = 0;
    let failures = 0;
    let running = true;
    const writing = (async () => {
      while (running) {
        last += 1;
        try {
          await other.write('restart/key', Buffer.from(String(last)));
          confirmed = last;
        } catch (error) {
          failures += 1;
          expect(error).toMatchObject({ code: 'store-unreachable' });
          await pause(50);
        }
      }
    })();
    await pause(300);
    await server.stop('fast');
    await pause(500);
    await server.start();
    const back = confirmed;
    await until('writes succeed again', () => confirmed > back);
    running = false;
    await writing;
    expect(failures).toBeGreaterThan(0);
    expect((await store.read('restart/key'))?.toString()).toBe(String(confirmed));
    await other.write('restart/after', Buffer.from('x'));
    await until('changes are heard of again', () => heard.includes('restart/after'), 15_000);
    expect(stores.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    expect(stores.lines.some((line) => line.startsWith('info PostgreSQL is back'))).toBe(true);
    expect(stores.lines.join('\n')).not.toContain('a-Pass');
    await pause(6_000);
    expect(lease?.lost.aborted).toBe(false);
    expect(await other.acquireLease('restart')).toBeUndefined();
  });

  test('a server that is away: calls reject at once, nothing is lost, and the first call afterwards succeeds', async () => {
    const store = open();
    await store.write('away', Buffer.from('x'));
    await server.stop('immediate');
    const began = performance.now();
    for (const work of [() => store.read('away'), () => store.write('away', Buffer.from('y')), () => store.list('')]) {
      expect(await failure(work())).toMatchObject({ code: 'store-unreachable', blame: 'remote', retryAfter: 5 });
    }
    expect(await failure(open().acquireLease('away'))).toMatchObject({ code: 'store-unreachable' });
    expect(performance.now() - began).toBeLessThan(1_000);
    await server.start();
    expect((await store.read('away'))?.toString()).toBe('x');
  });

  test('an orderly shutdown (SIGTERM) is not held up by idle connections', async () => {
    const store = open();
    await store.write('orderly', Buffer.from('x'));
    await server.stop('smart');
    expect(await failure(store.read('orderly'))).toMatchObject({ code: 'store-unreachable' });
    await server.start();
    expect((await store.read('orderly'))?.toString()).toBe('x');
  });

  test('a change of which no word came is found by looking', async () => {
    const impatient: System = {
      ...realSystem,
      setTimer: (ms, fn) => realSystem.setTimer(ms === 30_000 ? 200 : ms, fn),
    };
    const store = open(server.url(), impatient);
    const heard: string[] = [];
    await store.write('quiet', Buffer.from('x'));
    store.onChange('quiet', (key) => heard.push(key));
    await pause(500);
    heard.length = 0;
    await server.sql("UPDATE matrix_sidecar_values SET updated_at = clock_timestamp() WHERE key = 'quiet'");
    await until('the change', () => heard.length === 1);
    await server.sql("DELETE FROM matrix_sidecar_values WHERE key = 'quiet'");
    await until('the removal', () => heard.length === 2);
  });

  test('a server whose clock was set back by a day does not keep a lease from everybody', async () => {
    const store = open();
    await (await store.acquireLease('clock'))?.release();
    await server.sql("UPDATE matrix_sidecar_leases SET expires_at = now() + interval '1 day' WHERE name = 'clock'");
    expect((await store.acquireLease('clock'))?.generation).toBe(2);
  });

  test('a holder that was killed is followed within half a minute', async () => {
    const store = open();
    await store.list('');
    const child = spawn(process.execPath, [join(import.meta.dirname, 'hold-lease.ts'), server.url(), 'killed'], {
      stdio: 'pipe',
    });
    const said = await new Promise<string>((resolve) =>
      child.stdout.once('data', (chunk: Buffer) => resolve(String(chunk))),
    );
    expect(said.trim()).toBe('1');
    child.kill('SIGKILL');
    const began = performance.now();
    let lease = await store.acquireLease('killed');
    expect(lease).toBeUndefined();
    while (lease === undefined && performance.now() - began < 30_000) {
      await pause(500);
      lease = await store.acquireLease('killed');
    }
    expect(lease?.generation).toBe(2);
  });
});
