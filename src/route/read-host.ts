import { parsePort } from '../base/address.ts';
import { parseServerName } from '../matrix/server-name.ts';

/** A name that no Matrix server has but a machine may: with underscores, as containers are called. */
const OTHER_NAME = /^([A-Za-z0-9._-]{1,255})(?::(\d+))?$/;

/**
 * The host that a Host header names, lower case, without brackets, port and the dot of a fully qualified name;
 * undefined when it is malformed. The port may be left empty (RFC 3986 section 3.2.3).
 */
export function readHost(authority: string): string | undefined {
  const written = authority.endsWith(':') ? authority.slice(0, -1) : authority;
  const parsed = parseServerName(written);
  if (parsed.ok) return withoutDot(parsed.value.host);
  const other = OTHER_NAME.exec(written);
  if (other === null || !other[1]!.includes('_')) return undefined;
  if (other[2] !== undefined && (parsePort(other[2]) ?? 0) === 0) return undefined;
  return withoutDot(other[1]!.toLowerCase());
}

function withoutDot(host: string): string {
  return host.length > 1 && host.endsWith('.') ? host.slice(0, -1) : host;
}
