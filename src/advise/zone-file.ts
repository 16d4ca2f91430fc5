import type { DnsRecord } from './advice.ts';

/** Stand for the addresses of the machine (RFC 5737, RFC 3849): nobody else can know them. */
export const PLACEHOLDER_V4 = '192.0.2.1';
export const PLACEHOLDER_V6 = '2001:db8::1';

/** A name as a zone file has it, whatever zone it stands in. */
export function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`;
}

/**
 * A string of a TXT or CAA record (RFC 1035 section 5.1). Strings of more than 255 bytes are cut into several, which
 * every reader joins again.
 */
export function quoteText(text: string): string {
  const parts = text.match(/.{1,255}/gs) ?? [''];
  return parts.map((part) => `"${part.replaceAll(/["\\]/g, '\\$&')}"`).join(' ');
}

/**
 * Records in the form of a zone file (RFC 1035 section 5), columns aligned, one explanation a record at most. What is
 * not needed is commented out.
 */
export function renderZone(records: readonly DnsRecord[]): string {
  const names = Math.max(...records.map((record) => record.name.length), 0);
  const types = Math.max(...records.map((record) => record.type.length), 0);
  const lines: string[] = [];
  let before: string | undefined;
  for (const { name, ttl, type, data, why, needed } of records) {
    if (why !== before) lines.push(`; ${why}`);
    before = why;
    lines.push(`${needed ? '' : '; '}${name.padEnd(names)} ${ttl} IN ${type.padEnd(types)} ${data}`);
  }
  return lines.join('\n');
}
