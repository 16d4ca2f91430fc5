import { describe, expect, it } from 'vitest';
import { applyConnectTo, parseConnectTo } from '../../src/discovery/connect-to.ts';
import { mapping } from './world.ts';

describe('--connect-to', () => {
  it.each([
    ['a.test:443:b.test:8443', 'a.test', 443, 'b.test', 8443],
    ['A.test:443:B.test:8443', 'a.test', 443, 'b.test', 8443],
    [':443::8443', undefined, 443, undefined, 8443],
    ['a.test::127.0.0.1:', 'a.test', undefined, '127.0.0.1', undefined],
    [':::', undefined, undefined, undefined, undefined],
    ['[::1]:443:[2001:DB8::1]:1', '::1', 443, '2001:db8::1', 1],
    ['a_b-c.test:65535:bad:1', 'a_b-c.test', 65_535, 'bad', 1],
  ])('reads %s', (text, fromHost, fromPort, toHost, toPort) => {
    expect(parseConnectTo(text)).toEqual({ ok: true, value: { fromHost, fromPort, toHost, toPort } });
  });

  it.each([
    ['', /is not HOST1:PORT1:HOST2:PORT2/],
    ['a:1:b', /is not HOST1/],
    ['a:1:b:2:c', /is not HOST1/],
    ['::1:443:a:1', /is not HOST1/],
    ['a:0:b:1', /PORT1 is no port/],
    ['a:1:b:65536', /PORT2 is no port/],
    ['a:1:b:x', /PORT2 is no port/],
    ['a b:1:c:1', /HOST1 is neither/],
    ['a:1:b/c:1', /HOST2 is neither/],
    ['[1.2.3.4]:1:b:1', /HOST1 is neither/],
    ['[fe80::1%eth0]:1:b:1', /HOST1 is neither/],
    ['[]:1:b:1', /HOST1 is neither/],
  ])('refuses %j in a sentence', (text, why) => {
    const parsed = parseConnectTo(text);
    expect(parsed.ok ? '' : parsed.why).toMatch(why);
  });

  it('shows only the beginning of what is too long', () => {
    const parsed = parseConnectTo('x'.repeat(100_000));
    expect(parsed.ok ? 0 : parsed.why.length).toBeLessThan(400);
  });

  it.each([
    ['A.TEST', 443, 'b.test:8443'],
    ['a.test', 8448, 'c.test:8448'],
    ['x.test', 8448, 'x.test:18448'],
    ['x.test', 1, 'x.test:1'],
    ['::1', 2, '127.0.0.1:2'],
  ])('%s:%i is connected to as the first mapping that fits says', (host, port, expected) => {
    const mappings = ['a.test:443:b.test:8443', 'a.test:8448:c.test:', ':8448::18448', '[::1]::127.0.0.1:'].map(
      mapping,
    );
    const place = applyConnectTo(mappings, host, port);
    expect(`${place.host}:${place.port}`).toBe(expected);
  });
});
