import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type DialTarget, realSystem, type System } from '../../src/base/system.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, VERSIONS } from '../harness/stream-client.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let sidecar: TestSidecar | undefined;
const upstreams: TestUpstream[] = [];
afterEach(async () => {
  await sidecar?.close();
  for (const upstream of upstreams.splice(0)) await upstream.close();
});

async function startHomeserver(name: string, port = 0): Promise<TestUpstream> {
  const upstream = await startHttpUpstream((_request, response) => response.end(name), { port });
  upstreams.push(upstream);
  return upstream;
}

/** A machine on which the name `synapse` leads wherever `where` says at that moment. */
function createNamedSystem(where: () => number): { system: System; dialled: DialTarget[] } {
  const dialled: DialTarget[] = [];
  const dial = (target: DialTarget): Socket => {
    dialled.push(target);
    return realSystem.dial({ kind: 'tcp', host: '127.0.0.1', port: where() });
  };
  return { system: { ...realSystem, dial }, dialled };
}

/** What waits for a homeserver that is away is the matter of other tests. */
const CONFIG = 'servers: [{ server_name: a.test, homeserver: "http://synapse:8008" }]\nlimits: { hold: 0s }';

describe.each(VERSIONS)('over %s', (version) => {
  it('a container that was recreated at a new address serves the next request', async () => {
    const before = await startHomeserver('before');
    let port = before.port;
    const { system, dialled } = createNamedSystem(() => port);
    sidecar = await startTestSidecar(CONFIG, { system });
    expect((await exchangeWhole(sidecar, version)).body.toString()).toBe('before');
    const after = await startHomeserver('after');
    port = after.port;
    await before.close();
    await until('the old connection to be gone', () => before.open() === 0);
    const body = Buffer.from('{}');
    // Not even a POST, which is never repeated, is lost: it was never sent to where nobody is.
    const headers = ['Content-Length', '2'];
    const answer = await exchangeWhole(sidecar, version, { method: 'POST', headers, body });
    expect(answer.body.toString()).toBe('after');
    expect(dialled).toEqual([
      { kind: 'tcp', host: 'synapse', port: 8008, text: 'http://synapse:8008' },
      { kind: 'tcp', host: 'synapse', port: 8008, text: 'http://synapse:8008' },
    ]);
  });

  it('a container that is gone for a while is found when it is back', async () => {
    const first = await startHomeserver('first');
    const { system } = createNamedSystem(() => first.port);
    sidecar = await startTestSidecar(CONFIG, { system });
    expect((await exchangeWhole(sidecar, version)).status).toBe(200);
    await first.close();
    expect((await exchangeWhole(sidecar, version)).status).toBe(502);
    await startHomeserver('second', first.port);
    expect((await exchangeWhole(sidecar, version)).body.toString()).toBe('second');
  });

  it('after one dead connection the other idle ones are not tried one by one', async () => {
    const before = await startHomeserver('before');
    let port = before.port;
    const { system } = createNamedSystem(() => port);
    sidecar = await startTestSidecar(CONFIG, { system });
    await Promise.all(Array.from({ length: 20 }, () => exchangeWhole(sidecar!, version)));
    const after = await startHomeserver('after');
    port = after.port;
    await before.close();
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchangeWhole(sidecar!, version)));
    expect(new Set(answers.map((answer) => answer.body.toString()))).toEqual(new Set(['after']));
  });
});

describe('a name with several addresses', () => {
  it.each([['127.0.0.1'], ['::1']])('is served by the one that answers: only %s of localhost', async (address) => {
    const server: Server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'));
    });
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    const { port } = server.address() as { port: number };
    const known = (await realSystem.lookup('localhost')).map((one) => one.address);
    sidecar = await startTestSidecar(CONFIG.replace('synapse:8008', `localhost:${port}`));
    const { status } = await exchangeWhole(sidecar, 'HTTP/1.1');
    expect(status).toBe(known.includes(address) ? 200 : 502);
    await new Promise((resolve) => server.close(resolve));
  });
});
