import { describe, expect, it } from 'vitest';
import { buildRequestHeaders } from '../../src/forward/request-headers.ts';

const facts = {
  clientAddress: '192.0.2.1',
  proto: 'https',
  host: 'a.test:8448',
  forwardedHost: 'a.test:8448',
  requestId: 'r-1',
};
const OWN = [
  'X-Forwarded-For',
  '192.0.2.1',
  'X-Forwarded-Proto',
  'https',
  'X-Forwarded-Host',
  'a.test:8448',
  'X-Request-Id',
  'r-1',
];
const build = (headers: string[], httpVersion: '1.0' | '1.1' | '2' = '1.1') =>
  buildRequestHeaders({ headers, authority: 'a.test:8448', httpVersion }, facts);
const kept = (headers: string[]): string[] => {
  const built = build(headers);
  if (!built.ok) throw new Error(built.why);
  return built.value.slice(2, -OWN.length);
};

describe('the headers for the homeserver', () => {
  it('begin with the Host as the client wrote it and end with what the sidecar vouches for', () => {
    const built = build(['Host', 'a.test:8448', 'Accept', '*/*']);
    expect(built).toEqual({ ok: true, value: ['host', 'a.test:8448', 'Accept', '*/*', ...OWN] });
  });

  it('keep order, case and duplicates', () => {
    const headers = ['X-b', '1', 'x-B', '2', 'Authorization', 'X-Matrix a', 'AUTHORIZATION', 'X-Matrix b', 'A', ''];
    expect(kept(headers)).toEqual(headers);
  });

  it.each([
    [
      [
        'Connection',
        'keep-alive',
        'Keep-Alive',
        'x',
        'TE',
        'trailers',
        'Upgrade',
        'h2c',
        'HTTP2-Settings',
        'x',
        'Proxy-Connection',
        'x',
        'Expect',
        '100-continue',
      ],
    ],
    [['Connection', 'close, X-Secret', 'x-secret', '1']],
    [['X-Early', '1', 'Connection', 'x-early']],
    [['Connection', 'X-A', 'Connection', 'X-B', 'X-A', '1', 'X-B', '2']],
    [
      [
        'X-Forwarded-For',
        '6.6.6.6',
        'x-forwarded-for',
        '7.7.7.7',
        'X-Forwarded-Proto',
        'http',
        'X-Forwarded-Host',
        'evil',
        'Forwarded',
        'for=6.6.6.6',
        'X-Real-IP',
        '6.6.6.6',
        'X-Request-Id',
        'evil',
      ],
    ],
    [['X_Forwarded_For', '6.6.6.6', 'X-Forwarded_Proto', 'http', 'x_real_ip', '6.6.6.6']],
    [['Proxy-Authorization', 'secret', 'Transfer-Encoding', 'chunked']],
  ])('leave out %j', (headers) => {
    expect(kept(headers)).toEqual([]);
  });

  it('carry X-Forwarded-For even when the client names it in Connection', () => {
    const built = build(['Connection', 'X-Forwarded-For, X-Request-Id, close', 'Host', 'a.test:8448']);
    expect(built).toEqual({ ok: true, value: ['host', 'a.test:8448', ...OWN] });
  });

  it('keep framing and destination when the client names those in Connection', () => {
    expect(kept(['Connection', 'content-length, host', 'Content-Length', '5'])).toEqual(['Content-Length', '5']);
  });

  it.each([
    [['Host', 'a.test:8448', 'Host', 'a.test:8448'], '1.1'],
    [['Host', 'b.test'], '2'],
    [['Transfer-Encoding', 'gzip, chunked'], '1.1'],
    [['Transfer-Encoding', 'identity'], '1.1'],
    [['Transfer-Encoding', 'chunked'], '1.0'],
    [['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'x'], '1.1'],
  ] as const)('are refused for %j over HTTP/%s', (headers, version) => {
    expect(build([...headers], version).ok).toBe(false);
  });
});
