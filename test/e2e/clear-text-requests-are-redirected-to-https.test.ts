import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';

let sidecar: TestSidecar;
let port: number;

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

beforeAll(async () => {
  port = await findFreePort();
  const listen = `https: "127.0.0.1:${port}", federation: off, http: "127.0.0.1:0", admin: off`;
  sidecar = await startTestSidecar(`listen: { ${listen} }
servers:
  - { server_name: "[2001:db8::7]:8448", homeserver: "http://127.0.0.1:1" }
  - { server_name: a.test, homeserver: "http://127.0.0.1:1" }
`);
});
afterAll(() => sidecar?.close());

interface Reply {
  readonly status: string;
  readonly location: string | undefined;
  readonly text: string;
}

async function send(head: string): Promise<Reply> {
  const { text } = await sendRaw(sidecar, head, { on: 'http' });
  return {
    status: text.slice(9, 12),
    location: /\r\nLocation: ([^\r]*)\r\n/.exec(text)?.[1],
    text,
  };
}

const get = (target: string, host: string): Promise<Reply> =>
  send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

describe('to the same place', () => {
  it.each([
    ['/', 'a.test', 'a.test', '/'],
    ['/', 'a.test:80', 'a.test', '/'],
    ['/', 'A.test:8080', 'A.test', '/'],
    ['/', '[2001:db8::7]', '[2001:db8::7]', '/'],
    ['/', '[2001:db8::7]:80', '[2001:db8::7]', '/'],
    ['/', 'stranger.test', 'stranger.test', '/'],
    ['/a%2Fb/../c?d=%20&e#'.slice(0, -1), 'a.test', 'a.test', '/a%2Fb/../c?d=%20&e'],
    ['//evil.test/x', 'a.test', 'a.test', '//evil.test/x'],
    ['/?https://evil.test/', 'a.test', 'a.test', '/?https://evil.test/'],
    ['/{|}^`\'"<>\\', 'a.test', 'a.test', '/{|}^`\'"<>\\'],
    ['/%0d%0aSet-Cookie:x', 'a.test', 'a.test', '/%0d%0aSet-Cookie:x'],
    ['/_matrix/client/versions', 'a.test', 'a.test', '/_matrix/client/versions'],
    ['/.well-known/matrix/client', 'a.test', 'a.test', '/.well-known/matrix/client'],
    ['/.well-known/acme-challenge', 'a.test', 'a.test', '/.well-known/acme-challenge'],
  ])('%s of %s', async (target, host, wantedHost, wantedTarget) => {
    const { status, location } = await get(target, host);
    expect([status, location]).toEqual(['301', `https://${wantedHost}:${port}${wantedTarget}`]);
  });

  it('without Host, as HTTP/1.0 allows, to the first server name', async () => {
    const { status, location } = await send('GET /x HTTP/1.0\r\n\r\n');
    expect([status, location]).toEqual(['301', `https://[2001:db8::7]:${port}/x`]);
  });

  it.each(['HEAD', 'POST', 'OPTIONS', 'PUT'])('with %s as well', async (method) => {
    const { status, location, text } = await send(
      `${method} /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );
    expect([status, location]).toEqual(['301', `https://a.test:${port}/x`]);
    expect(text.endsWith('\r\n\r\n')).toBe(method === 'HEAD');
  });

  it('readable for browsers that look for the homeserver of a name', async () => {
    expect((await get('/.well-known/matrix/client', 'a.test')).text).toMatch(/\r\nAccess-Control-Allow-Origin: \*\r\n/);
  });

  it('without the port, where https is on the usual one', async () => {
    // Port 443 is for those who may have it; what is sent there depends on the configuration alone.
    const off =
      await startTestSidecar(`listen: { https: off, federation: "127.0.0.1:0", http: "127.0.0.1:0", admin: off }
servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]`);
    const { text } = await sendRaw(off, 'GET /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n', { on: 'http' });
    expect(text).toMatch(/\r\nLocation: https:\/\/a\.test\/x\r\n/);
    await off.close();
  });
});

describe('but not', () => {
  it('challenges of a certificate authority: those are answered', async () => {
    const { status, text } = await get('/.well-known/acme-challenge/unknown-token', 'a.test');
    expect(status).toBe('404');
    expect(text).toContain('M_NOT_FOUND');
  });

  it.each([
    ['an absolute-form target', 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n'],
    ['a malformed Host', 'GET / HTTP/1.1\r\nHost: a.test/evil\r\n'],
    ['a Host with user information', 'GET / HTTP/1.1\r\nHost: a.test@evil.test\r\n'],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n'],
    ['a fragment', 'GET /#x HTTP/1.1\r\nHost: a.test\r\n'],
    ['bytes that are no ASCII', 'GET /\xe9 HTTP/1.1\r\nHost: a.test\r\n'],
    ['no Host in HTTP/1.1', 'GET / HTTP/1.1\r\n'],
  ])('%s', async (_name, head) => {
    const { status, location } = await send(`${head}Connection: close\r\n\r\n`);
    expect([status, location]).toEqual(['400', undefined]);
  });
});
