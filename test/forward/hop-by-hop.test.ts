import { describe, expect, it } from 'vitest';
import { isHopByHop, readConnectionNames } from '../../src/forward/hop-by-hop.ts';

describe('a field that concerns one connection only', () => {
  it.each([
    'connection',
    'proxy-connection',
    'keep-alive',
    'te',
    'transfer-encoding',
    'upgrade',
    'http2-settings',
    'proxy-authenticate',
    'proxy-authorization',
    'expect',
    'Connection',
    'PROXY-AUTHORIZATION',
    'Te',
  ])('is %s', (name) => expect(isHopByHop(name)).toBe(true));

  it.each(['trailer', 'content-length', 'host', 'authorization', 'via', 'date', 'x-connection', ''])(
    'is not %j',
    (name) => expect(isHopByHop(name)).toBe(false),
  );
});

describe('the names in a Connection field', () => {
  it.each([
    ['keep-alive', []],
    ['close', []],
    ['Keep-Alive', []],
    ['', []],
    [' , ,', []],
    ['X-A', ['x-a']],
    ['close, X-A,x-b ,\tX-C', ['x-a', 'x-b', 'x-c']],
    ['Upgrade, HTTP2-Settings', ['upgrade', 'http2-settings']],
    // Taking these away would change the framing or the destination.
    ['Host, Content-Length, Transfer-Encoding, Connection, Close, KEEP-ALIVE', []],
  ])('%j: %j', (value, names) => expect([...(readConnectionNames(value) ?? [])]).toEqual(names));
});
