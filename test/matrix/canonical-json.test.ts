import { describe, expect, test } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { compareCodePoints, encodeCanonicalJson } from '../../src/matrix/canonical-json.ts';

describe('the examples of the specification', () => {
  test.each([
    ['{}', '{}'],
    ['{ "one": 1, "two": "Two" }', '{"one":1,"two":"Two"}'],
    ['{ "b": "2", "a": "1" }', '{"a":"1","b":"2"}'],
    [
      '{"auth":{"success":true,"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":' +
        '[{"medium":"email","address":"john.doe@example.org"},{"medium":"msisdn","address":"123456789"}]}}}',
      '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":' +
        '[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
    ],
    ['{"a":"日本語"}', '{"a":"日本語"}'],
    ['{"本":2,"日":1}', '{"日":1,"本":2}'],
    ['{"a":"\\u65E5"}', '{"a":"日"}'],
    ['{"a":null}', '{"a":null}'],
    ['{"a":-0,"b":1e10}', '{"a":0,"b":10000000000}'],
  ])('%s', (written, canonical) => {
    expect(encodeCanonicalJson(JSON.parse(written))).toBe(canonical);
  });
});

describe('the encoding', () => {
  test.each([
    ['keys that look like numbers are sorted as texts', { 10: 'b', 9: 'c', 1: 'a' }, '{"1":"a","10":"b","9":"c"}'],
    [
      'keys are sorted by code point, not by UTF-16 unit',
      { '\u{1F600}': 1, '\uFF61': 2 },
      '{"\uFF61":2,"\u{1F600}":1}',
    ],
    ['a key that begins another comes first', { ab: 1, a: 2, '': 3 }, '{"":3,"a":2,"ab":1}'],
    ['a member called __proto__ is one like others', JSON.parse('{"__proto__":1,"a":2}'), '{"__proto__":1,"a":2}'],
    ['control characters have their shortest escape', '\b\t\n\f\r\u0000\u001f', '"\\b\\t\\n\\f\\r\\u0000\\u001f"'],
    ['slashes, DEL and line separators are written as they are', '/\u007f\u2028', '"/\u007f\u2028"'],
    ['the largest integers are allowed', [2 ** 53 - 1, -(2 ** 53) + 1], '[9007199254740991,-9007199254740991]'],
    ['objects without a prototype are objects', Object.create(null), '{}'],
  ])('%s', (_, value, canonical) => {
    expect(encodeCanonicalJson(value)).toBe(canonical);
  });

  test.each([
    ['a fraction', { content: { size: 1.5 } }, '$.content.size'],
    ['an integer beyond 2^53-1', { a: [0, 2 ** 53] }, '$.a[1]'],
    ['an infinite number', [Number.POSITIVE_INFINITY], '$[0]'],
    ['a member that is undefined', { a: undefined }, '$.a'],
    ['half a surrogate pair', { 'odd key': '\ud800' }, '$["odd key"]'],
    ['a key that is half a surrogate pair', { '\udc00': 1 }, '$["\\udc00"]'],
    ['a date', { at: new Date(0) }, '$.at'],
    ['a bigint', 1n, '$:'],
  ])('%s is refused, and the error says where', (_, value, place) => {
    expect(() => encodeCanonicalJson(value)).toThrow(SidecarError);
    expect(() => encodeCanonicalJson(value)).toThrow(place);
  });

  test('hostile depth is refused and does not exhaust the stack', () => {
    const deep = JSON.parse('['.repeat(5000) + ']'.repeat(5000)) as unknown;
    expect(() => encodeCanonicalJson(deep)).toThrow(SidecarError);
  });
});

test('code points are compared by value', () => {
  const sorted = ['', 'a', 'a\u0300', 'b', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'];
  expect([...sorted].reverse().sort(compareCodePoints)).toEqual(sorted);
});
