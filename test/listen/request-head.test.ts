import { describe, expect, it } from 'vitest';
import { findHeadFault, MAX_HEADER_FIELDS, offersWebSocket } from '../../src/listen/request-head.ts';

const fault = (rawHeaders: string[], httpVersion = '1.1', method = 'GET'): number | undefined =>
  findHeadFault({ rawHeaders, httpVersion, method })?.status;
const HOST = ['Host', 'a.test'];
const many = (count: number): string[] => Array.from({ length: count }, () => ['x', '1']).flat();

describe('a request head that Node lets through', () => {
  it.each([
    ['a Host', HOST, '1.1', undefined],
    ['a Host in lower case', ['host', 'a.test'], '1.1', undefined],
    ['no Host', ['Accept', '*/*'], '1.1', 400],
    ['no Host, in HTTP/1.0', [], '1.0', undefined],
    ['two Hosts', [...HOST, 'HOST', 'a.test'], '1.1', 400],
    ['two Hosts, in HTTP/1.0', [...HOST, ...HOST], '1.0', 400],
    ['chunked', [...HOST, 'Transfer-Encoding', 'Chunked'], '1.1', undefined],
    ['chunked in HTTP/1.0', [...HOST, 'Transfer-Encoding', 'chunked'], '1.0', 400],
    ['another coding', [...HOST, 'transfer-encoding', 'gzip, chunked'], '1.1', 400],
    ['a field as long as Transfer-Encoding', [...HOST, 'X-Seventeen-Chars', 'gzip'], '1.1', undefined],
    ['as many fields as allowed', [...HOST, ...many(MAX_HEADER_FIELDS - 1)], '1.1', undefined],
    ['one more', [...HOST, ...many(MAX_HEADER_FIELDS)], '1.1', 431],
    ['HTTP/0.9', HOST, '0.9', 505],
    ['HTTP/2.0', HOST, '2.0', 505],
  ] as const)('with %s', (_name, headers, version, status) => {
    expect(fault([...headers], version)).toBe(status);
  });

  it('of a protocol that is not HTTP', () => {
    expect(fault(HOST, '1.0', 'SOURCE')).toBe(505);
  });
});

describe('the offer of a WebSocket is taken up', () => {
  const offer = (headers: Record<string, string>, method = 'GET', httpVersion = '1.1'): boolean =>
    offersWebSocket({ method, httpVersion, headers: { upgrade: 'websocket', ...headers } });
  it.each([
    ['from GET in HTTP/1.1', offer({}), true],
    ['in any case', offer({ upgrade: 'WebSocket' }), true],
    ['with an empty body', offer({ 'content-length': '0' }), true],
    ['with a body', offer({ 'content-length': '5' }), false],
    ['with a body in chunks', offer({ 'transfer-encoding': 'chunked' }), false],
    ['of another protocol', offer({ upgrade: 'h2c' }), false],
    ['among others', offer({ upgrade: 'h2c, websocket' }), false],
    ['from POST', offer({}, 'POST'), false],
    ['in HTTP/1.0', offer({}, 'GET', '1.0'), false],
  ])('%s: %s', (_name, taken, expected) => {
    expect(taken).toBe(expected);
  });
});
