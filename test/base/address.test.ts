import { describe, expect, it } from 'vitest';
import { parseBindAddress, parseHostPort } from '../../src/base/address.ts';

describe('a host with or without a port', () => {
  it.each([
    ['ns.example.com', 'ns.example.com', 53, 'ns.example.com:53'],
    ['ns.example.com:5353', 'ns.example.com', 5353, 'ns.example.com:5353'],
    ['192.0.2.53', '192.0.2.53', 53, '192.0.2.53:53'],
    ['192.0.2.53:1', '192.0.2.53', 1, '192.0.2.53:1'],
    ['2001:db8::53', '2001:db8::53', 53, '[2001:db8::53]:53'],
    ['[2001:db8::53]', '2001:db8::53', 53, '[2001:db8::53]:53'],
    ['[2001:db8::53]:65535', '2001:db8::53', 65_535, '[2001:db8::53]:65535'],
  ])('%s', (text, host, port, written) => {
    expect(parseHostPort(text, 53)).toEqual({ ok: true, value: { host, port, text: written } });
  });

  it.each([
    ['', 'names no host'],
    [':53', 'names no host'],
    ['a b', 'names no host'],
    ['-a', 'names no host'],
    ['a/b', 'names no host'],
    ['a:', 'has a bad port'],
    ['a:0', 'has a bad port'],
    ['a:65536', 'has a bad port'],
    ['a:1:2', 'has a bad port'],
    ['[::1', 'is no host'],
    ['[]', 'has no IPv6 address in its brackets'],
    ['[192.0.2.1]:53', 'has no IPv6 address in its brackets'],
    ['https://ns.example.com', 'is a URL'],
    ['udp://192.0.2.53:53', 'is a URL'],
  ])('%j %s', (text, why) => {
    const parsed = parseHostPort(text, 53);
    expect(parsed.ok ? 'read' : parsed.why).toMatch(
      /; write ns\.example\.com, 192\.0\.2\.53:53 or \[2001:db8::53\]:53$/,
    );
    expect(parsed.ok ? 'read' : parsed.why.startsWith(`${JSON.stringify(text)} ${why}`)).toBe(true);
  });
});

describe('a place to listen', () => {
  it.each(['http://127.0.0.1:8008', 'https://example.com', 'tcp://[::]:443'])('is no URL: %s', (text) => {
    const parsed = parseBindAddress(text);
    expect(parsed.ok ? 'read' : parsed.why).toContain(`${JSON.stringify(text)} is a URL; write a port (443)`);
  });
});
