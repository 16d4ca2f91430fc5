import { describe, expect, it } from 'vitest';
import { createCidrSet, parseCidr } from '../../src/base/cidr.ts';
import { decideClientAddress } from '../../src/listen/client-address.ts';

const trusted = createCidrSet(
  ['10.0.0.0/8', 'fd00::/8'].map((text) => {
    const parsed = parseCidr(text);
    if (!parsed.ok) throw new Error(parsed.why);
    return parsed.value;
  }),
);

describe('the client address', () => {
  it.each<[string, string | undefined, string, string]>([
    ['192.0.2.1', '6.6.6.6', '192.0.2.1', 'a stranger claims nothing'],
    ['10.0.0.1', undefined, '10.0.0.1', 'a trusted proxy that says nothing'],
    ['10.0.0.1', '192.0.2.1', '192.0.2.1', 'a trusted proxy is believed'],
    ['10.0.0.1', '6.6.6.6, 192.0.2.1', '192.0.2.1', 'what stands before the last stranger is hearsay'],
    ['10.0.0.1', '192.0.2.1, 10.0.0.2', '192.0.2.1', 'through two trusted proxies'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3', 'only trusted ones'],
    ['10.0.0.1', '192.0.2.1:1234', '192.0.2.1', 'with a port'],
    ['fd00::1', '[2001:db8::1]:1234', '2001:db8::1', 'IPv6 with a port'],
    ['10.0.0.1', '::ffff:192.0.2.1', '192.0.2.1', 'IPv4 in IPv6'],
    ['10.0.0.1', 'unknown', '10.0.0.1', 'no address at all'],
    ['10.0.0.1', '192.0.2.1, unknown', '10.0.0.1', 'garbage ends the chain'],
    ['10.0.0.1', `${'6.6.6.6, '.repeat(1000)}192.0.2.1`, '192.0.2.1', 'a very long chain'],
  ])('from %s saying %s is %s: %s', (peer, forwardedFor, expected) => {
    expect(decideClientAddress(peer, forwardedFor, trusted).address).toBe(expected);
  });
});
