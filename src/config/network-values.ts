import { isIP } from 'node:net';
import * as z from 'zod';
import { type HostPort, parseHostPort } from '../base/address.ts';
import { bad, good, type Parsed } from '../base/parsed.ts';
import { quote } from './key-path.ts';
import { readingList, text } from './values.ts';

const LABEL = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/;

/** A name in the DNS (RFC 1035, 2.3.4), underscores allowed; lower case, without the dot at the end. */
export const dnsName: z.ZodType<string> = text((written) => {
  const name = written.toLowerCase().replace(/\.$/, '');
  const sound = name.length <= 253 && name.split('.').every((label) => label.length <= 63 && LABEL.test(label));
  return sound ? good(name) : bad(`${quote(written)} is no DNS name`);
});

/** A DNS server by name or address; port 53 unless one is written. */
export const dnsServer: z.ZodType<HostPort> = text((written) => parseHostPort(written.trim(), 53));

/** DNS servers, one or several. By address: there may be nobody to ask for the address of the one who is asked. */
export const resolvers: z.ZodType<readonly HostPort[]> = z
  .union([z.string(), z.array(z.string())])
  .transform(readingList(readResolver));

function readResolver(written: string): Parsed<HostPort> {
  const form = 'write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353';
  const server = parseHostPort(written.trim(), 53);
  if (!server.ok || isIP(server.value.host) === 0)
    return bad(`${quote(written)} is no address of a DNS server; ${form}`);
  return server;
}

/** A web service below whose URL other paths are asked for; without a slash at the end. */
export const serviceUrl: z.ZodType<string> = text((written) => {
  const url = readWebUrl(written);
  if (!url.ok) return url;
  if (url.value.search !== '' || url.value.hash !== '')
    return bad('has a query or a fragment; write the URL up to there');
  return good(written.trim().replace(/\/+$/, ''));
});

/** A URL to post to. It may hold a token, so no sentence repeats it. */
export const webhookUrl: z.ZodType<string> = text((written) => {
  const url = readWebUrl(written);
  return url.ok ? good(url.value.href) : url;
});

/** A room's id; as of room version 12 without a server (Matrix specification, Appendices, Room IDs). */
export const roomId: z.ZodType<string> = text((written) => {
  const id = written.trim();
  if (id.startsWith('#')) return bad(`${quote(id)} is a room's address, not its id`);
  if (!/^![\x21-\x7e]{1,254}$/.test(id)) return bad(`${quote(id)} is no room id; write "!abcdefgh:example.org"`);
  return good(id);
});

function readWebUrl(written: string): Parsed<URL> {
  const trimmed = written.trim();
  if (!/^https?:\/\/[^/]/i.test(trimmed) || !URL.canParse(trimmed)) {
    return bad('is no URL; write https://host/path, or http:// where the way is private');
  }
  const url = new URL(trimmed);
  if (url.username === '' && url.password === '') return good(url);
  return bad('has a user name or a password before its host; leave out what stands before the @');
}
