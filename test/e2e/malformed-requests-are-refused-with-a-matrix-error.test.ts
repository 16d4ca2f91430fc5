import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask, sendRaw } from '../harness/client.ts';
import { strangerAddress } from '../harness/loopback.ts';
import { type Edge, expectRefusal, startEdge, statusesIn } from '../harness/strangers.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());
beforeEach(() => edge.upstream.reset());
afterEach(() => edge.expectAlive());

// Served on both TLS ports.
const PATH = '/_matrix/federation/v1/x';
const HOST = 'Host: a.test\r\nConnection: close\r\n';

/** The bytes of a request, and the statuses that are right for it. */
type Row = readonly [name: string, bytes: string, statuses: readonly number[]];

const ROWS: readonly Row[] = [
  ['no Host in HTTP/1.1', `GET ${PATH} HTTP/1.1\r\nConnection: close\r\n\r\n`, [400]],
  ['an empty Host', `GET ${PATH} HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n`, [400]],
  ['two Hosts', `GET ${PATH} HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\nConnection: close\r\n\r\n`, [400]],
  ['two equal Hosts', `GET ${PATH} HTTP/1.1\r\nHost: a.test\r\nhost: a.test\r\nConnection: close\r\n\r\n`, [400]],
  [
    'two Hosts for a published document',
    `GET /.well-known/matrix/client HTTP/1.1\r\n${HOST}Host: b.test\r\n\r\n`,
    [400],
  ],
  ['two Hosts in a preflight', `OPTIONS ${PATH} HTTP/1.1\r\n${HOST}Host: b.test\r\n\r\n`, [400]],
  [
    'two Hosts in an upgrade',
    `GET ${PATH} HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    [400],
  ],
  ['Host with user information', `GET ${PATH} HTTP/1.1\r\nHost: me@a.test\r\nConnection: close\r\n\r\n`, [400]],
  ['Host with a path', `GET ${PATH} HTTP/1.1\r\nHost: a.test/x\r\nConnection: close\r\n\r\n`, [400]],
  ['Host with a scheme', `GET ${PATH} HTTP/1.1\r\nHost: https://a.test\r\nConnection: close\r\n\r\n`, [400]],
  ['Host with a port that is none', `GET ${PATH} HTTP/1.1\r\nHost: a.test:99999\r\nConnection: close\r\n\r\n`, [400]],
  ['Host with a list', `GET ${PATH} HTTP/1.1\r\nHost: a.test, b.test\r\nConnection: close\r\n\r\n`, [400]],
  ['Host with an open bracket', `GET ${PATH} HTTP/1.1\r\nHost: [::1\r\nConnection: close\r\n\r\n`, [400]],
  ['Host with bytes beyond ASCII', `GET ${PATH} HTTP/1.1\r\nHost: \xe4.test\r\nConnection: close\r\n\r\n`, [400]],
  [
    'Host of 4,000 characters',
    `GET ${PATH} HTTP/1.1\r\nHost: ${'a'.repeat(4_000)}\r\nConnection: close\r\n\r\n`,
    [400],
  ],
  ['a target in absolute form', `GET http://a.test${PATH} HTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['a target in absolute form, of another host', `GET https://b.test${PATH} HTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['a target in authority form', `GET a.test:443 HTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['a target without a slash', `GET _matrix/client/versions HTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['a target with a fragment', `GET ${PATH}#f HTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['a target with a byte beyond ASCII', `GET ${PATH}\xe9 HTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['a target with a control character', `GET ${PATH}\x07 HTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['a target with a space', `GET ${PATH} x HTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['CONNECT', `CONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n`, [405]],
  ['CONNECT with a path and a body', `CONNECT ${PATH} HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`, [400, 405]],
  ['TRACE', `TRACE ${PATH} HTTP/1.1\r\n${HOST}\r\n`, [405]],
  ['a method that does not exist', `FROB ${PATH} HTTP/1.1\r\n${HOST}\r\n`, [400, 405, 501]],
  ['a method in lower case', `get ${PATH} HTTP/1.1\r\n${HOST}\r\n`, [400, 405, 501]],
  ['a method of 10,000 characters', `${'A'.repeat(10_000)} ${PATH} HTTP/1.1\r\n${HOST}\r\n`, [400, 405, 501]],
  ['tabs in the request line', `GET\t${PATH}\tHTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['HTTP/0.9, said', `GET ${PATH} HTTP/0.9\r\n${HOST}\r\n`, [400, 505]],
  ['HTTP/1.2', `GET ${PATH} HTTP/1.2\r\n${HOST}\r\n`, [400, 505]],
  ['HTTP/2.0 in a request line', `GET ${PATH} HTTP/2.0\r\n${HOST}\r\n`, [400, 505]],
  ['HTTP/11.1', `GET ${PATH} HTTP/11.1\r\n${HOST}\r\n`, [400, 505]],
  ['http/1.1', `GET ${PATH} http/1.1\r\n${HOST}\r\n`, [400, 505]],
  ['ICE', `SOURCE ${PATH} ICE/1.0\r\n${HOST}\r\n`, [400, 505]],
  ['the preface of HTTP/2 where HTTP/1.1 was chosen', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]],
  [
    'an expectation that nobody can meet',
    `POST ${PATH} HTTP/1.1\r\n${HOST}Expect: 200-ok\r\nContent-Length: 5\r\n\r\nhello`,
    [417],
  ],
  ['a header of 40,000 bytes', `GET ${PATH} HTTP/1.1\r\n${HOST}X: ${'a'.repeat(40_000)}\r\n\r\n`, [431]],
  ['a header of 2,000,000 bytes', `GET ${PATH} HTTP/1.1\r\n${HOST}X: ${'a'.repeat(2_000_000)}\r\n\r\n`, [431]],
  ['a header name of 40,000 bytes', `GET ${PATH} HTTP/1.1\r\n${HOST}${'X'.repeat(40_000)}: a\r\n\r\n`, [431]],
  ['a target of 40,000 bytes', `GET ${PATH}/${'a'.repeat(40_000)} HTTP/1.1\r\n${HOST}\r\n`, [414, 431]],
  ['a target that never ends', `GET ${PATH}/${'a'.repeat(2_000_000)}`, [414, 431]],
  ['10,000 header fields', `GET ${PATH} HTTP/1.1\r\n${HOST}${'a:b\r\n'.repeat(10_000)}\r\n`, [431]],
  ['129 header fields', `GET ${PATH} HTTP/1.1\r\n${HOST}${'a:b\r\n'.repeat(127)}\r\n`, [431]],
  [
    'a length behind 1,500 header fields',
    `POST ${PATH} HTTP/1.1\r\n${HOST}${'a:b\r\n'.repeat(1_500)}Content-Length: 5\r\n\r\nhello`,
    [431],
  ],
  [
    'trailers of 200,000 bytes',
    `POST ${PATH} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\nX: ${'a'.repeat(200_000)}\r\n\r\n`,
    [431],
  ],
];

describe('on the TLS ports:', () => {
  it.each(ROWS)('%s', async (_name, bytes, statuses) => {
    for (const on of ['https', 'federation'] as const) {
      const outcome = await sendRaw(edge.sidecar, bytes, { on, from: strangerAddress() });
      expectRefusal(outcome, statuses);
      expect(statusesIn(outcome).length).toBe(1);
      expect(outcome.ms).toBeLessThan(5_000);
    }
    expect(edge.upstream.requests()).toEqual([]);
    expect(edge.upstream.violations()).toEqual([]);
  });
});

describe('on port 80, where the same rules hold before anything is redirected:', () => {
  it.each([
    ['no Host', `GET / HTTP/1.1\r\nConnection: close\r\n\r\n`, [400]],
    ['two Hosts', `GET / HTTP/1.1\r\n${HOST}Host: b.test\r\n\r\n`, [400]],
    [
      'a Host that would break out of Location',
      `GET / HTTP/1.1\r\nHost: a.test/@b.test\r\nConnection: close\r\n\r\n`,
      [400],
    ],
    ['a target in absolute form', `GET http://b.test/ HTTP/1.1\r\n${HOST}\r\n`, [400]],
    ['TRACE', `TRACE / HTTP/1.1\r\n${HOST}\r\n`, [405]],
    ['CONNECT', 'CONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n', [405]],
    ['a TLS ClientHello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400]],
  ] as const)('%s', async (_name, bytes, statuses) => {
    const outcome = await sendRaw(edge.sidecar, bytes, { on: 'http' });
    expectRefusal(outcome, statuses);
    expect(edge.upstream.everything()).toBe('');
  });
});

it('what is unusual but lawful is served', async () => {
  const served = [
    `GET ${PATH} HTTP/1.0\r\n\r\n`,
    `\r\nGET ${PATH} HTTP/1.1\r\n${HOST}\r\n`,
    `GET ${PATH} HTTP/1.1\r\nHost: A.TEST:443\r\nConnection: close\r\n\r\n`,
    `GET ${PATH} HTTP/1.1\r\nHost: [::1]:8448\r\nConnection: close\r\n\r\n`,
    `GET ${PATH} HTTP/1.1\r\n${HOST}X:\r\nY:a\t b\r\nZ: \xe9\xff\r\n\r\n`,
    `GET ${PATH} HTTP/1.1\r\n${HOST}${'a:b\r\n'.repeat(126)}\r\n`,
    `GET ${PATH}?${'a'.repeat(30_000)} HTTP/1.1\r\n${HOST}\r\n`,
    `PROPFIND ${PATH} HTTP/1.1\r\n${HOST}\r\n`,
  ];
  for (const bytes of served) {
    const outcome = await sendRaw(edge.sidecar, bytes, { from: strangerAddress() });
    expect(statusesIn(outcome), bytes.slice(0, 80)).toEqual([200]);
  }
  expect(edge.upstream.requests().length).toBe(served.length);
  expect(edge.upstream.violations()).toEqual([]);
  // Each byte of a value is one byte there.
  expect(edge.upstream.everything()).toContain('Y: a\t b\r\nZ: \xe9\xff\r\n');
});

it('a client that still sends when it is refused can read why', async () => {
  const refused = await ask(edge.sidecar, PATH, {
    method: 'POST',
    headers: { Host: 'a.test', 'X-Long': 'a'.repeat(40_000), 'Content-Length': 3_000_000 },
    body: Buffer.alloc(3_000_000),
  });
  expect(refused.status).toBe(431);
  expect(refused.json()).toMatchObject({ errcode: 'M_TOO_LARGE' });
  expect(edge.upstream.everything()).toBe('');
});
