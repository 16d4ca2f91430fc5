import { describe, expect, it } from 'vitest';
import { parseServerName, type ServerName, whyNotInDns, withDefaultPort } from '../../src/matrix/server-name.ts';

function parse(text: string): ServerName {
  const parsed = parseServerName(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

describe('a server name is a host with or without a port', () => {
  it.each<[string, ServerName['kind'], string, number | undefined]>([
    ['example.com', 'dns', 'example.com', undefined],
    ['example.com:8448', 'dns', 'example.com', 8448],
    ['localhost', 'dns', 'localhost', undefined],
    ['a', 'dns', 'a', undefined],
    ['a.b-c.d9', 'dns', 'a.b-c.d9', undefined],
    ['example.com.', 'dns', 'example.com.', undefined],
    ['1.2.3', 'dns', '1.2.3', undefined],
    ['256.1.1.1', 'dns', '256.1.1.1', undefined],
    ['http', 'dns', 'http', undefined],
    ['http:80', 'dns', 'http', 80],
    ['a'.repeat(255), 'dns', 'a'.repeat(255), undefined],
    ['192.0.2.1', 'ipv4', '192.0.2.1', undefined],
    ['192.0.2.1:1', 'ipv4', '192.0.2.1', 1],
    ['[2001:db8::1]', 'ipv6', '2001:db8::1', undefined],
    ['[2001:DB8::1]:65535', 'ipv6', '2001:db8::1', 65_535],
    ['[::ffff:192.0.2.1]:8448', 'ipv6', '::ffff:192.0.2.1', 8448],
  ])('%s', (text, kind, host, port) => {
    expect(parse(text)).toEqual({ text, kind, host, port });
  });

  it('keeps the case of its text, which is a part of its identity', () => {
    expect(parse('Example.COM:443')).toEqual({ text: 'Example.COM:443', kind: 'dns', host: 'example.com', port: 443 });
  });
});

describe('a name that the grammar allows and the DNS cannot have', () => {
  it.each([
    ['one..test', /nothing between two of its dots/],
    ['.one.test', /nothing between two of its dots, or before the first/],
    [`${'a'.repeat(64)}.test:8448`, /has 64 characters, and 63 is the most/],
  ])('%s is told with the reason', (text, why) => {
    expect(whyNotInDns(parse(text))).toMatch(why);
  });

  it.each(['one.test', 'one.test.', 'a', `${'a'.repeat(63)}.test`, '192.0.2.1', '[2001:db8::1]'])(
    '%s is none',
    (text) => {
      expect(whyNotInDns(parse(text))).toBeUndefined();
    },
  );
});

describe('what is no server name gets a sentence that says why', () => {
  const form = 'is no server name: write example.com, example.com:8448, 192.0.2.1 or [2001:db8::1]';
  const letters = 'is no server name: only letters, digits, dots and dashes may stand in a host name';
  const scheme = 'is no server name: leave out the scheme and the path';
  const port = 'has a bad port: ports go from 1 to 65535';
  const none = 'is no server name: there is no host in it';

  it.each([
    ['', none],
    [':8448', none],
    ['http://host', scheme],
    ['https://example.com', scheme],
    ['https://example.com:8448/_matrix', scheme],
    ['HTTPS://[2001:db8::1]', scheme],
    ['https://', scheme],
    ['matrix+tls://example.com', scheme],
    ['example.com/path', letters],
    ['//example.com', letters],
    ['ex_ample.com', letters],
    ['exämple.com', letters],
    ['\u212Aelvin.example', letters],
    ['example.com ', letters],
    ['example.com\n', letters],
    ['@alice', letters],
    ['*.example.com', letters],
    ['a\0b', letters],
    ['@alice:example.com', 'is a user id; its server name is example.com'],
    ['#room:example.com:8448', 'is a room alias; its server name is example.com:8448'],
    ['!abc:[2001:db8::1]', 'is a room id; its server name is [2001:db8::1]'],
    ['example.com:', port],
    ['example.com:0', port],
    ['example.com:65536', port],
    ['example.com:080000', port],
    ['example.com:-1', port],
    ['example.com:8448x', port],
    ['example.com: 8448', port],
    ['example.com:84:48', port],
    ['[2001:db8::1]:', port],
    ['example.com:8448/path', port],
    ['[2001:db8::1', form],
    ['2001:db8::1]', port],
    ['[2001:db8::1]8448', form],
    ['exam[ple].com', form],
    ['2001:db8::1', 'is no server name: an IPv6 address stands in brackets, [2001:db8::1]'],
    ['::', 'is no server name: an IPv6 address stands in brackets, [::]'],
    ['2001:db8::1:8448:', port],
    ['a'.repeat(256), 'is no server name: a host name has at most 255 characters'],
  ])('%j', (text, why) => {
    expect(parseServerName(text)).toEqual({ ok: false, why: `${JSON.stringify(text)} ${why}` });
  });

  it.each(['[]', '[192.0.2.1]', '[example.com]', '[fe80::1%eth0]', '[2001:db8::1::]:8448'])('%j', (text) => {
    const why = `${JSON.stringify(text)}: what stands in brackets is no IPv6 address`;
    expect(parseServerName(text)).toEqual({ ok: false, why });
  });
});

describe('the port that is not written', () => {
  it.each([
    ['example.com', 'example.com:8448'],
    ['example.com:443', 'example.com:443'],
    ['Example.com', 'example.com:8448'],
    ['[2001:db8::1]', '[2001:db8::1]:8448'],
  ])('%s becomes %s', (text, expected) => {
    expect(withDefaultPort(parse(text), 8448)).toBe(expected);
  });
});
