import { isIP, isIPv6 } from 'node:net';

/** Labels under which registries of countries sell names: example.co.uk is somebody's, co.uk is nobody's. */
const SECOND_LEVEL = new Set(['ac', 'co', 'com', 'edu', 'gen', 'gob', 'gov', 'ne', 'net', 'nom', 'or', 'org']);

/**
 * What a CA counts a name under. Let's Encrypt takes the public suffix list; this is an approximation without one: the
 * last two labels, three under the usual second levels of country codes. Two names that the CA counts together are
 * nearly always together here as well; names that it counts apart may be together here (under github.io, say), which
 * only makes us more careful. For an IPv4 address it is the address, for IPv6 the /64, as Let's Encrypt does.
 */
export function registeredDomain(name: string): string {
  if (isIPv6(name)) return `${expandIPv6(name).slice(0, 4).join(':')}::/64`;
  if (isIP(name) !== 0) return name;
  const labels = name.replace(/^\*\./, '').split('.');
  const [second, top] = labels.slice(-2);
  const three = top?.length === 2 && second !== undefined && SECOND_LEVEL.has(second);
  return labels.slice(three ? -3 : -2).join('.');
}

function expandIPv6(address: string): string[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  if (tail === undefined) return groups(head);
  const missing = 8 - groups(head).length - groups(tail).length;
  return [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)];
}
