import { describeError, errorCode, SidecarError, type SidecarErrorFields } from '../base/errors.ts';
import type { PostgresAddress } from './postgres-address.ts';
import type { StoreAction } from './store-failure.ts';

/** What was being done when the database said no. */
export type PostgresAction = StoreAction | 'watch';

type Words = Pick<SidecarErrorFields, 'code' | 'blame' | 'hint' | 'retryAfter'> & { readonly why: string };

/** Seconds. */
const SOON = 5;

/**
 * Puts a driver's or a server's error into words for the person who runs the sidecar. `subject` is what the call was
 * about, a key say. No password is ever in it, nor a value that was being written.
 */
export function explainPostgresFailure(
  error: unknown,
  action: PostgresAction,
  subject: string,
  address: PostgresAddress,
): SidecarError {
  if (error instanceof SidecarError) return error;
  const { why, ...fields } = findWords(error, address);
  return new SidecarError(`The store cannot ${action} ${subject} (PostgreSQL at ${address.place}): ${why}.`, {
    ...fields,
    cause: withoutSecrets(error, address),
  });
}

/** Whether the connection failed, rather than what was asked on it: the same may well succeed on another one. */
export function isConnectionLoss(error: unknown): boolean {
  const code = errorCode(error) ?? '';
  // 57P01 to 57P03 and 57P05: the server ends, starts, or ended the session.
  if (/^57P0[1235]$/.test(code) || /^08/.test(code)) return true;
  if (['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(code)) return true;
  return code === '' && /^Connection terminated|not queryable$|^Client was closed/.test(describeError(error));
}

function findWords(error: unknown, address: PostgresAddress): Words {
  const code = errorCode(error) ?? '';
  const message = address.redact(describeError(error));
  return findServerWords(code, message, address) ?? findConnectionWords(error, code, message, address);
}

/** For the SQLSTATE codes of PostgreSQL's appendix A that an operator can do something about. */
function findServerWords(code: string, message: string, address: PostgresAddress): Words | undefined {
  const user = address.user ?? 'our user';
  switch (code) {
    case '28P01':
    case '28000':
      return {
        why: `it refuses the login of ${user} (${message})`,
        code: 'store-login',
        blame: 'operator',
        hint: "Check the user and the password in store, and what the server's pg_hba.conf allows.",
      };
    case '3D000':
      return {
        why: 'it has no such database',
        code: 'store-no-database',
        blame: 'operator',
        hint: `Create it (createdb -O ${user} NAME), or correct its name in store.`,
      };
    case '42501':
      return {
        why: `${user} may not do that (${message})`,
        code: 'store-forbidden',
        blame: 'operator',
        hint: `Give ${user} a database of its own, or the right to create and use tables in this one; with ?schema=NAME in store they are made in a schema of their own.`,
      };
    case '25006':
      return {
        why: 'it only reads (a standby, or set to read-only)',
        code: 'store-forbidden',
        blame: 'operator',
        hint: 'Name the primary in store.',
        retryAfter: SOON,
      };
    case '53100':
      return {
        why: 'its disk is full',
        code: 'store-full',
        blame: 'operator',
        hint: "Free some space where the server's data is. What was stored before is unharmed.",
      };
    case '53300':
      return {
        why: 'it has no connection left for us',
        code: 'store-unreachable',
        blame: 'operator',
        hint: "Raise the server's max_connections: each sidecar uses up to six.",
        retryAfter: SOON,
      };
    default:
      return undefined;
  }
}

function findConnectionWords(error: unknown, code: string, message: string, address: PostgresAddress): Words {
  if (/^SASL|client password must be/.test(message)) {
    return {
      why: `it asks for a password in a way that ours cannot answer (${message})`,
      code: 'store-login',
      blame: 'operator',
      hint: 'Put the password into the address in store, as in postgres://user:password@host:5432/database.',
    };
  }
  if (/CERT|SELF_SIGNED|ALTNAME|ERR_SSL|UNABLE_TO/.test(code) || /\bSSL\b/.test(message)) {
    return {
      why: `no verified TLS connection to it (${message})`,
      code: 'store-tls',
      blame: 'operator',
      hint: 'Give ?sslrootcert=FILE for a private CA; sslmode=disable connects without TLS, sslmode=no-verify without knowing to whom.',
    };
  }
  if (typeof error === 'object' && error !== null && 'syscall' in error && error.syscall === 'open') {
    return {
      why: message,
      code: 'store-address',
      blame: 'operator',
      hint: 'Correct the path of the certificate or key file in the address in store.',
    };
  }
  if (isConnectionLoss(error) || isUnreachable(code, message)) {
    return {
      why: message,
      code: 'store-unreachable',
      blame: 'remote',
      hint: `Check that PostgreSQL runs at ${address.place} and that nothing between blocks the way. What is served goes on meanwhile.`,
      retryAfter: SOON,
    };
  }
  return {
    why: message,
    code: 'store-failed',
    blame: 'remote',
    hint: "Look at the server's log, and at the tables matrix_sidecar_*: nobody else should change them.",
  };
}

const UNREACHABLE = new Set(
  'ECONNREFUSED ENOTFOUND EAI_AGAIN ETIMEDOUT EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN ENOENT EACCES 57014'.split(
    ' ',
  ),
);

function isUnreachable(code: string, message: string): boolean {
  return UNREACHABLE.has(code) || /time(d )?out|did not answer/i.test(message);
}

/**
 * The server's error may quote the values of the statement, keys among them, and the driver's hangs on the
 * connection's options. Of both we keep what helps.
 */
function withoutSecrets(error: unknown, address: PostgresAddress): Error {
  const kept = new Error(address.redact(describeError(error)));
  const code = errorCode(error);
  if (error instanceof Error && error.stack !== undefined) kept.stack = address.redact(error.stack);
  return code === undefined ? kept : Object.assign(kept, { code });
}
