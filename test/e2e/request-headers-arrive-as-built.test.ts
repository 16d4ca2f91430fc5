import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, VERSIONS } from '../harness/stream-client.ts';
import { readRequests, startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
let behindProxy: TestSidecar;
let heads: string[] = [];

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    readRequests(socket, (head) => {
      heads.push(head);
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    });
  });
  const servers = `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`;
  sidecar = await startTestSidecar(servers);
  behindProxy = await startTestSidecar(`${servers}\nroutes: { trusted_proxies: [127.0.0.1, 192.0.2.0/24] }`);
});
beforeEach(() => {
  heads = [];
});
afterAll(async () => {
  await sidecar?.close();
  await behindProxy?.close();
  await upstream?.close();
});

/** The fields that arrived in the one request, name and value, in order. */
function arrived(): [string, string][] {
  expect(heads).toHaveLength(1);
  return heads[0]!
    .trimEnd()
    .split('\r\n')
    .slice(1)
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
}

function values(name: string): string[] {
  return arrived()
    .filter(([key]) => key.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value);
}

describe.each(VERSIONS)('over %s', (version) => {
  const cased = (name: string): string => (version === 'HTTP/2' ? name.toLowerCase() : name);

  it('order, duplicates and the case of names are kept', async () => {
    const sent = [
      'X-First',
      '1',
      'Authorization',
      'X-Matrix origin="a",key="ed25519:1",sig="x"',
      'x-dUp',
      'one',
      'AUTHORIZATION',
      'X-Matrix origin="b",key="ed25519:2",sig="y"',
      'X-DUP',
      'two',
      'X-Empty',
      '',
      'Content-Type',
      'application/json; charset="x"',
      'X-Last',
      '9',
    ];
    const answer = await exchangeWhole(sidecar, version, { headers: sent });
    expect(answer.status).toBe(200);
    const between = arrived().filter(([name]) => !/^(host|connection|x-forwarded-.*|x-request-id)$/i.test(name));
    const expected: [string, string][] = [];
    for (let index = 0; index < sent.length; index += 2) expected.push([cased(sent[index]!), sent[index + 1]!]);
    expect(between).toEqual(expected);
  });

  it('bytes above ASCII in a value arrive as they came', async () => {
    await exchangeWhole(sidecar, version, { headers: ['X-Bytes', '\u00e4\u00c3\u00a4\u00ff'] });
    expect(values('x-bytes')).toEqual(['\u00e4\u00c3\u00a4\u00ff']);
  });

  it.each(['a.test', 'a.test:8448', 'A.Test:443', '[::1]:8448'])(
    'Host arrives as the client wrote it: %s',
    async (authority) => {
      const answer = await exchangeWhole(sidecar, version, { authority });
      expect(answer.status).toBe(200);
      expect(values('host')).toEqual([authority]);
      expect(values('x-forwarded-host')).toEqual([authority]);
    },
  );

  it('claims of origin are replaced by what the sidecar knows', async () => {
    await exchangeWhole(sidecar, version, {
      headers: [
        ...['X-Forwarded-For', '6.6.6.6', 'X-Forwarded-For', '7.7.7.7', 'x_forwarded_for', '8.8.8.8'],
        ...['X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'evil.test', 'X-Forwarded-Port', '1'],
        ...['Forwarded', 'for=6.6.6.6', 'X-Real-IP', '6.6.6.6', 'X-Request-Id', 'chosen-by-the-client'],
      ],
    });
    expect(values('x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(values('x-forwarded-proto')).toEqual(['https']);
    expect(values('x-forwarded-host')).toEqual(['a.test']);
    expect(values('x-request-id')).toHaveLength(1);
    expect(heads[0]).not.toMatch(/6\.6\.6\.6|8\.8\.8\.8|evil|chosen|x_forwarded|x-forwarded-port/i);
  });

  it('every request has an id of its own', async () => {
    const ids = new Set<string>();
    for (let count = 0; count < 5; count++) {
      heads = [];
      await exchangeWhole(sidecar, version);
      ids.add(values('x-request-id')[0] ?? '');
    }
    expect(ids.size).toBe(5);
    for (const id of ids) expect(id).toMatch(/^[\w-]{8,}$/);
  });

  it('what a trusted proxy says of its client is taken over', async () => {
    await exchangeWhole(behindProxy, version, {
      headers: [
        ...['X-Forwarded-For', '203.0.113.9, 198.51.100.7', 'X-Forwarded-For', '192.0.2.8'],
        ...['X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'outer.test', 'X-Request-Id', 'from-the-proxy.1'],
      ],
    });
    // From the right, past trusted proxies; what stands left of the first stranger is that stranger's claim.
    expect(values('x-forwarded-for')).toEqual(['198.51.100.7']);
    expect(values('x-forwarded-proto')).toEqual(['http']);
    expect(values('x-forwarded-host')).toEqual(['outer.test']);
    expect(values('host')).toEqual(['a.test']);
    expect(values('x-request-id')).toEqual(['from-the-proxy.1']);
  });

  it.each([['two words'], ['a"b'], ['x'.repeat(129)]])(
    'a malformed id of a trusted proxy is replaced: %s',
    async (id) => {
      await exchangeWhole(behindProxy, version, { headers: ['X-Request-Id', id] });
      expect(values('x-request-id')).toHaveLength(1);
      expect(values('x-request-id')).not.toContain(id);
    },
  );

  it('a small body arrives with the length that was declared, never chunked', async () => {
    await exchangeWhole(sidecar, version, { method: 'POST', headers: ['Content-Length', '5'], body: 'hello' });
    expect(values('content-length')).toEqual(['5']);
    expect(values('transfer-encoding')).toEqual([]);
  });

  it('an empty POST arrives with Content-Length 0', async () => {
    await exchangeWhole(sidecar, version, { method: 'POST', headers: ['Content-Length', '0'] });
    expect(values('content-length')).toEqual(['0']);
  });
});

describe('over HTTP/1.1', () => {
  const send = (lines: string[]) =>
    sendRaw(sidecar, `${['GET /_matrix/x HTTP/1.1', 'Host: a.test', ...lines].join('\r\n')}\r\n\r\n`, {
      until: /\{\}$/,
    });

  it.each([
    ['Keep-Alive: timeout=5'],
    ['Proxy-Connection: keep-alive'],
    ['Proxy-Authorization: Basic secret'],
    ['TE: trailers'],
    ['Upgrade: h2c'],
    ['HTTP2-Settings: AAMAAABkAAQAAP__'],
    ['Connection: close, X-Private', 'X-Private: secret'],
    ['X-Private: secret', 'Connection: x-private'],
  ])('what concerns one connection only goes no further: %s', async (...lines) => {
    const { text } = await send(lines);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    const own = /^(host|connection|x-forwarded-(for|proto|host)|x-request-id)$/i;
    expect(arrived().filter(([name]) => !own.test(name))).toEqual([]);
    expect(values('connection')).toEqual(['keep-alive']);
  });

  it('Connection cannot take away what the sidecar vouches for, or the framing', async () => {
    await sendRaw(
      sidecar,
      'POST /_matrix/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n' +
        'Connection: X-Forwarded-For, X-Request-Id, Host, Content-Length, Authorization-X\r\n\r\n{}',
      { until: /\{\}$/ },
    );
    expect(values('x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(values('x-request-id')).toHaveLength(1);
    expect(values('host')).toEqual(['a.test']);
    expect(values('content-length')).toEqual(['2']);
  });
});

describe('over HTTP/2', () => {
  it('cookie crumbs are joined to one field, as HTTP/1.1 needs it', async () => {
    await exchangeWhole(sidecar, 'HTTP/2', { headers: ['cookie', 'a=1', 'cookie', 'b=2', 'x', 'y', 'cookie', 'c=3'] });
    expect(values('cookie')).toEqual(['a=1; b=2; c=3']);
  });

  it('pseudo-headers do not arrive', async () => {
    await exchangeWhole(sidecar, 'HTTP/2');
    expect(arrived().filter(([name]) => name === '' || name.startsWith(':'))).toEqual([]);
  });
});
