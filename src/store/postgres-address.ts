import { SidecarError } from '../base/errors.ts';

/** A postgres:// URL, taken apart as far as we need it. */
export interface PostgresAddress {
  /** For the driver only: holds the password. */
  readonly connectionString: string;
  /** The schema of the tables, from `?schema=`; undefined for the connection's own (mostly `public`). */
  readonly schema: string | undefined;
  /** `host:port/database`, for messages: no user, no password. */
  readonly place: string;
  /** As whom we log in, as far as the URL says it. */
  readonly user: string | undefined;
  /** The text with every password of the URL replaced. */
  redact(text: string): string;
}

/** Leaves room for what we put before it where a name is limited to 63 bytes. */
const SCHEMA = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;
const HIDDEN = '[redacted]';

/** @throws SidecarError that does not repeat the URL, since it may hold a password in the wrong place */
export function readPostgresAddress(text: string): PostgresAddress {
  if (!URL.canParse(text)) throw badAddress('cannot be read');
  const url = new URL(text);
  const query = url.searchParams;
  const database = decode(url.pathname.slice(1));
  // A slash in a password that is not written %2F ends the host, and the rest would be named in messages.
  if (database.includes('@')) throw badAddress('has an @ in the name of the database');
  const schema = query.get('schema') ?? undefined;
  if (schema !== undefined && !SCHEMA.test(schema)) {
    throw badAddress('has a schema that is no plain name (letters, digits and _, at most 40)');
  }
  query.delete('schema');
  // The driver verifies the certificate for all of these, and warns that a later version may not. We mean it.
  if (/^(prefer|require|verify-ca)$/.test(query.get('sslmode') ?? '')) query.set('sslmode', 'verify-full');
  const host = query.get('host') ?? decode(url.hostname);
  const user = query.get('user') ?? decode(url.username);
  const secrets = [url.password, decode(url.password), query.get('password')].filter((secret) => !!secret);
  return {
    connectionString: url.href,
    schema,
    place: `${host || 'localhost'}:${query.get('port') || url.port || '5432'}/${database || user}`,
    user: user || undefined,
    redact: (message) => secrets.reduce<string>((redacted, secret) => redacted.replaceAll(secret!, HIDDEN), message),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badAddress('has a % that is not followed by two hexadecimal digits');
  }
}

function badAddress(what: string): SidecarError {
  return new SidecarError(`The PostgreSQL address in store ${what}.`, {
    code: 'store-address',
    blame: 'operator',
    hint: 'Write postgres://user:password@host:5432/database, special characters in the password as %xx (a slash is %2F, an @ is %40).',
  });
}
