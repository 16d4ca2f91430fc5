import { type AddressInfo, connect as connectTcp, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../../src/base/errors.ts';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';

const started: TestSidecar[] = [];
afterEach(async () => {
  for (const one of started.splice(0)) await one.close();
});

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const yaml = (name: string, https: readonly number[]): string => `
listen: { https: ${JSON.stringify(https.map((port) => `127.0.0.1:${port}`))}, federation: "127.0.0.1:0", http: off, admin: off }
servers: [{ server_name: ${name}, homeserver: "http://127.0.0.1:1" }]`;

async function start(name: string, https: readonly number[]): Promise<TestSidecar> {
  const one = await startTestSidecar(yaml(name, https));
  started.push(one);
  return one;
}

describe.each(['drain', 'close'] as const)('%s', (stop) => {
  it('while a reload is under way: the reload is refused, and its new port is not left open', async () => {
    const [old, fresh] = [await findFreePort(), await findFreePort()];
    const one = await start('a.test', [old]);
    const next = await one.read(yaml('b.test', [old, fresh]));
    const reloading = one.sidecar.reload(next).then(
      () => 'done',
      (error: unknown) => (error instanceof SidecarError ? error.code : error),
    );
    // Reading the certificates of the new configuration takes a while; this is in the middle of it.
    await new Promise((resolve) => setImmediate(resolve));
    await one.sidecar[stop]();
    expect(await reloading).toBe('stopping');
    expect([await isOpen(old), await isOpen(fresh)]).toEqual([false, false]);
  });

  it('before a reload: it is refused', async () => {
    const one = await start('a.test', [0]);
    await one.sidecar[stop]();
    await expect(one.reload(yaml('b.test', [0]))).rejects.toMatchObject({ code: 'stopping' });
  });

  it('may be asked for again, and together with the other, any number of times', async () => {
    const one = await start('a.test', [0]);
    const { sidecar } = one;
    await Promise.all([sidecar[stop](), sidecar.drain(), sidecar.close(), sidecar[stop]()]);
    await sidecar.drain();
    await sidecar.close();
    expect(sidecar.addresses().https).toEqual([]);
  });
});

it('reloads that are asked for together take turns, and the last one is in force', async () => {
  const ports = [await findFreePort(), await findFreePort(), await findFreePort()];
  const one = await start('a.test', [ports[0]!]);
  const configs = [
    await one.read(yaml('b.test', [ports[1]!])),
    await one.read(yaml('c.test', [ports[0]!, ports[1]!])),
    await one.read(yaml('d.test', [ports[2]!])),
  ];
  await Promise.all(configs.map((config) => one.sidecar.reload(config)));
  expect(one.sidecar.status().servers.map((server) => server.server_name)).toEqual(['d.test']);
  expect(await Promise.all(ports.map(isOpen))).toEqual([false, false, true]);
});

it('one that fails among others changes nothing', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const free = await findFreePort();
  const one = await start('a.test', [free]);
  const configs = [
    await one.read(yaml('b.test', [port])),
    await one.read(yaml('c.test', [free])),
    await one.read(yaml('d.test', [free, port])),
  ];
  const outcomes = await Promise.allSettled(configs.map((config) => one.sidecar.reload(config)));
  taken.close();
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  expect(one.sidecar.status().servers.map((server) => server.server_name)).toEqual(['c.test']);
  expect(await isOpen(free)).toBe(true);
});
