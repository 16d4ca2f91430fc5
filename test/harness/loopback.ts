import { networkInterfaces } from 'node:os';

/** Has this machine ::1? Many containers have no IPv6 at all. */
export const HAS_IPV6 = Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === '::1'));

/** The addresses of this machine's own, as they are bound and reported. */
export const LOOPBACK: readonly string[] = HAS_IPV6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
