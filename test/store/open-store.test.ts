import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/base/log.ts';
import { realSystem } from '../../src/base/system.ts';
import { createStore } from '../../src/store/open-store.ts';
import { reconnectPause } from '../../src/store/postgres-changes.ts';

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const deps = { system: realSystem, log };
const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A server that takes connections and never says a word. */
async function startSilence(): Promise<{ server: Server; port: number; connections: Set<Socket> }> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', silent);
    socket.on('close', () => connections.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(async () => {
    for (const socket of connections) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port, connections };
}

describe('opening a store', () => {
  it('takes a folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sidecar-open-'));
    undo.push(() => rm(folder, { recursive: true }));
    const store = await createStore({ kind: 'files', folder }, deps);
    await store.write('key', Buffer.from('x'));
    expect(await readFile(join(folder, 'key'), 'utf8')).toBe('x');
  });

  it('takes a database, and connects to nothing before the first call', async () => {
    const { port, connections } = await startSilence();
    const store = await createStore(
      { kind: 'postgres', url: `postgres://edge:hunter22@127.0.0.1:${port}/certs` },
      deps,
    );
    expect(store.where('a/b.pem')).toContain(`127.0.0.1:${port}/certs`);
    expect(store.where('a/b.pem')).not.toContain('hunter22');
    await store.close();
    expect(connections.size).toBe(0);
  });

  it('refuses an address that cannot be one, at once', async () => {
    await expect(createStore({ kind: 'postgres', url: 'postgres://user:1/2@db/certs' }, deps)).rejects.toThrow(
      /address/,
    );
  });

  it('rejects at once where nothing listens', async () => {
    const { server, port } = await startSilence();
    await new Promise((resolve) => server.close(resolve));
    const store = await createStore({ kind: 'postgres', url: `postgres://edge@127.0.0.1:${port}/certs` }, deps);
    undo.push(() => store.close());
    const began = performance.now();
    await expect(store.read('key')).rejects.toMatchObject({
      code: 'store-unreachable',
      blame: 'remote',
      retryAfter: 5,
    });
    await expect(store.acquireLease('keeper')).rejects.toMatchObject({ code: 'store-unreachable' });
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('rejects within five seconds where nobody answers, and can be closed', async () => {
    const { port } = await startSilence();
    const store = await createStore({ kind: 'postgres', url: `postgres://edge@127.0.0.1:${port}/certs` }, deps);
    undo.push(() => store.close());
    store.onChange('', silent);
    const began = performance.now();
    await expect(store.read('key')).rejects.toMatchObject({ code: 'store-unreachable' });
    expect(performance.now() - began).toBeLessThan(5_500);
    await store.close();
    expect(performance.now() - began).toBeLessThan(8_000);
  });
});

describe('the pause before the next connection', () => {
  it.each([
    [0, 0, 250],
    [0, 1, 500],
    [3, 1, 4_000],
    [6, 0, 15_000],
    [6, 1, 30_000],
    [5_000, 1, 30_000],
  ])('attempt %i, chance %f: %i ms', (attempt, chance, pause) => {
    expect(reconnectPause(attempt, chance)).toBe(pause);
  });
});
