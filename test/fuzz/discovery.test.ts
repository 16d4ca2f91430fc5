import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressScope } from '../../src/base/public-address.ts';
import { applyConnectTo, parseConnectTo } from '../../src/discovery/connect-to.ts';
import { orderSrvRecords } from '../../src/discovery/order-srv.ts';
import { readWellKnown } from '../../src/discovery/read-well-known.ts';
import { readRedirect, wellKnownPlace } from '../../src/discovery/redirect.ts';
import { LONGEST_LIFETIME, SHORTEST_LIFETIME, wellKnownLifetime } from '../../src/discovery/well-known-lifetime.ts';
import { parseServerName } from '../../src/matrix/server-name.ts';

const LIMITS = { numRuns: 2000, interruptAfterTimeLimit: 10_000 };
/** What is neither printable nor ASCII, and the blank. */
const UNPRINTABLE = /[^!-~]/;

describe('strangers\u2019 bytes', () => {
  test('in a well-known document give a server name or a short clause', () => {
    const anyJson = fc.json().map((text) => Buffer.from(text));
    const nearly = fc.anything().map((value) => Buffer.from(JSON.stringify({ 'm.server': value }) ?? ''));
    const named = fc.string({ unit: 'binary' }).map((name) => Buffer.from(JSON.stringify({ 'm.server': name })));
    const bytes = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(fc.oneof(anyJson, nearly, named, bytes), (body) => {
        const result = readWellKnown(body);
        if (result.ok) expect(parseServerName(result.delegated.text).ok).toBe(true);
        else expect(result.words).toMatch(/^[ -~\u2026]{10,600}$/);
      }),
      LIMITS,
    );
  });

  test('in Location lead to an https URL that HTTP can carry, or nowhere', () => {
    const pieces = fc.constantFrom(
      'https://',
      'http:',
      '//',
      '/',
      '@',
      ':',
      '[',
      ']',
      '%',
      '..',
      '?',
      '#',
      '\\',
      '\t',
      'a.test',
      '443',
    );
    const location = fc
      .array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 12 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(location, (text) => {
        const next = readRedirect(wellKnownPlace('fed.test'), [['LOCATION', text]]);
        if (!next.ok) return;
        const { url, host, port, authority, target } = next.value;
        expect(url).toMatch(/^https:\/\//);
        expect(host.length).toBeGreaterThan(0);
        expect(host.includes(':')).toBe(isIP(host) === 6);
        expect(port).toBeGreaterThanOrEqual(0);
        expect(target).toMatch(/^\//);
        for (const part of [url, authority, target]) expect(part).not.toMatch(UNPRINTABLE);
      }),
      LIMITS,
    );
  });

  test('in caching headers keep a document for at least 5 minutes and at most 48 hours', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'no-store',
        'max-age=',
        'max-age=1e99',
        'Mon, 01 Jun 99999',
        `max-age=${'9'.repeat(15)}`,
        `${'a,'.repeat(9999)}`,
      ),
    );
    const headers = fc.array(fc.tuple(fc.constantFrom('cache-control', 'Expires', 'x'), value), { maxLength: 6 });
    fc.assert(
      fc.property(headers, fc.integer({ min: 0, max: 4e12 }), (given, now) => {
        const lifetime = wellKnownLifetime(given, now);
        expect(lifetime).toBeGreaterThanOrEqual(SHORTEST_LIFETIME);
        expect(lifetime).toBeLessThanOrEqual(LONGEST_LIFETIME);
      }),
      LIMITS,
    );
  });

  test('in --connect-to never throw, and what is read leads somewhere', () => {
    const piece = fc.oneof(
      fc.constantFrom(':', '[::1]', 'a.test', '443', '', '[', ']'),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (parts) => {
        const parsed = parseConnectTo(parts.join(''));
        if (!parsed.ok) return void expect(parsed.why.length).toBeGreaterThan(10);
        const place = applyConnectTo([parsed.value], 'a.test', 443);
        expect(place.host).not.toMatch(UNPRINTABLE);
        expect(place.port).toBeGreaterThan(0);
        expect(place.port).toBeLessThan(65_536);
      }),
      LIMITS,
    );
  });
});

test('SRV records are ordered without loss, by priority, whatever the dice say', () => {
  const record = fc.record({
    target: fc.constantFrom('a', 'b', '.'),
    port: fc.nat(65_535),
    priority: fc.nat(3),
    weight: fc.oneof(fc.constant(0), fc.nat(65_535)),
  });
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 30 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999999, noNaN: true })),
      (records, dice) => {
        const ordered = orderSrvRecords(records, () => dice.next().value as number);
        expect(ordered.length).toBe(records.length);
        expect(new Set(ordered)).toEqual(new Set(records));
        expect(ordered.map(({ priority }) => priority)).toEqual(
          records.map(({ priority }) => priority).sort((a, b) => a - b),
        );
      },
    ),
    { ...LIMITS, numRuns: 500 },
  );
});

test('an IPv4 address has the same scope however IPv6 wraps it', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
      const hex = [a * 256 + b, c * 256 + d].map((group) => group.toString(16)).join(':');
      const scope = addressScope(address);
      for (const wrapped of [`::ffff:${address}`, `::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`]) {
        expect(addressScope(wrapped), wrapped).toBe(scope);
      }
    }),
    LIMITS,
  );
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      expect(typeof addressScope(address)).toBe('string');
    }),
    LIMITS,
  );
});
