import { describe, expect, it } from 'vitest';
import { WireError } from '../../../src/forward/upstream/wire-error.ts';
import { writeHead } from '../../../src/forward/upstream/write-head.ts';

const write = (request: { method?: string; target?: string; headers?: readonly string[] }, hasBody = false) =>
  writeHead({ method: 'GET', target: '/', headers: ['host', 'a.test'], ...request }, hasBody);

describe('the head of a request', () => {
  it('has Host and Connection in front, then the fields as they are', () =>
    expect(
      write({ target: '/a?b=%20\xe4', headers: ['X-a', ' 1', 'HOST', 'a.test:1', 'x-A', '\xff\t', 'Empty', ''] }).text,
    ).toBe(
      'GET /a?b=%20\xe4 HTTP/1.1\r\nhost: a.test:1\r\nconnection: keep-alive\r\nX-a:  1\r\nx-A: \xff\t\r\nEmpty: \r\n',
    ));

  it('leaves the length of the body to who writes it', () => {
    const { text, declared } = write({ method: 'PUT', headers: ['Content-Length', '12', 'A', 'b'] }, true);
    expect(text).toBe('PUT / HTTP/1.1\r\nhost: homeserver\r\nconnection: keep-alive\r\nA: b\r\n');
    expect(declared).toBe(12);
  });

  it.each([
    ['GET', false, false],
    ['GET', true, true],
    ['DELETE', false, false],
    ['DELETE', true, true],
    ['POST', true, false],
    ['PUT', false, false],
    ['HEAD', false, true],
  ])('%s, body %j: the connection ends with it: %j', (method, hasBody, closes) => {
    const head = write({ method }, hasBody);
    expect([head.closes, head.text.includes('connection: close')]).toEqual([closes, closes]);
  });

  it.each<[string, { method?: string; target?: string; headers?: readonly string[] }]>([
    ['no method', { method: '' }],
    ['a method with a space', { method: 'GET /x' }],
    ['CONNECT', { method: 'CONNECT' }],
    ['no target', { target: '' }],
    ['a target without a slash', { target: 'x' }],
    ['a space in the target', { target: '/x HTTP/1.1' }],
    ['a line end in the target', { target: '/x\r\nA: b' }],
    ['a char in the target that is no byte', { target: '/\u20ac' }],
    ['two hosts', { headers: ['host', 'a', 'Host', 'a'] }],
    ['an empty name', { headers: ['', 'a'] }],
    ['a name with a colon', { headers: ['a:b', 'c'] }],
    ['a name with a line end', { headers: ['a\r\nb', 'c'] }],
    ['a name with a line end behind it', { headers: ['a\n', 'c'] }],
    ['a value with a CR', { headers: ['a', 'b\rc'] }],
    ['a value with an LF', { headers: ['a', 'b\n'] }],
    ['a value with a NUL', { headers: ['a', '\0'] }],
    ['a value with a char that is no byte', { headers: ['a', '\u010a'] }],
    ['two lengths', { headers: ['content-length', '1', 'Content-Length', '1'] }],
    ['a length that is none', { headers: ['content-length', '1x'] }],
    ['an empty length', { headers: ['content-length', ''] }],
    ['Transfer-Encoding', { headers: ['Transfer-Encoding', 'chunked'] }],
    ['Connection', { headers: ['connection', 'x'] }],
    ['Keep-Alive', { headers: ['KEEP-ALIVE', 'x'] }],
    ['Upgrade', { headers: ['upgrade', 'x'] }],
    ['Expect', { headers: ['expect', '100-continue'] }],
  ])('is not written with %s', (_, request) => {
    expect(() => write(request)).toThrow(WireError);
    expect(() => write(request)).toThrow(expect.objectContaining({ code: 'ERR_UPSTREAM_REQUEST' }));
  });
});
