import { domainToASCII } from 'node:url';
import { parseServerName } from '../matrix/server-name.ts';

/**
 * A server name as Matrix and the DNS write it: `xn--...` for letters of other alphabets (RFC 5891), a port kept.
 * Undefined when that is no server name either.
 */
export function toAsciiName(written: string): string | undefined {
  if (written.length > 300) return undefined;
  const [, host = '', port = ''] = /^([^:]*)(:\d{1,5})?$/s.exec(written) ?? [];
  // An address in brackets and the like are left as they are.
  const ascii = host === '' || /^[!-~]*$/.test(host) ? written : `${domainToASCII(host)}${port}`;
  return parseServerName(ascii).ok ? ascii : undefined;
}
