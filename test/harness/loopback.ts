import { networkInterfaces } from 'node:os';

/** Has this machine ::1? Many containers have no IPv6 at all. */
export const HAS_IPV6 = Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === '::1'));

/** The addresses of this machine's own, as they are bound and reported. */
export const LOOPBACK: readonly string[] = HAS_IPV6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];

let strangers = 0;

/**
 * An address of this machine that nobody had before, for one more stranger: what one of them does is not held against the
 * next. Only Linux has all of 127.0.0.0/8.
 */
export function strangerAddress(): string {
  if (process.platform !== 'linux') return '127.0.0.1';
  strangers++;
  return `127.${50 + (process.pid % 40)}.${1 + (Math.floor(strangers / 250) % 250)}.${1 + (strangers % 250)}`;
}
