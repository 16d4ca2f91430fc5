import { createPrivateKey } from 'node:crypto';
import { SidecarError } from '../base/errors.ts';
import { parseJson } from './read-problem.ts';

/** What is kept of an account at a CA. */
export interface AccountRecord {
  /** PEM, PKCS#8, P-256. */
  readonly key: string;
  /** Undefined from the moment the key is made until the CA has answered. */
  readonly url: string | undefined;
  /** As the CA was last told. */
  readonly contact: readonly string[];
}

/** The bytes to store. */
export function writeAccountRecord(record: AccountRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
}

/** Throws a SidecarError that names `where` when it is damaged: a new account is never made unasked in its place. */
export function readAccountRecord(bytes: Uint8Array, where: string): AccountRecord {
  const value = parseJson(Buffer.from(bytes).toString('utf8'));
  const { key, url, contact } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const problem =
    typeof key !== 'string' || !isSigningKey(key)
      ? 'it holds no private key'
      : url !== undefined && (typeof url !== 'string' || !URL.canParse(url))
        ? "the account's URL is none"
        : undefined;
  if (problem !== undefined) {
    throw new SidecarError(`The ACME account in ${where} cannot be used: ${problem}.`, {
      code: 'acme-account-unreadable',
      blame: 'operator',
      hint: 'Restore it from a backup, or remove it: the sidecar then makes a new account.',
    });
  }
  return {
    key: key as string,
    url: url as string | undefined,
    contact: Array.isArray(contact) ? contact.filter((one) => typeof one === 'string') : [],
  };
}

function isSigningKey(pem: string): boolean {
  try {
    return ['ec', 'rsa'].includes(createPrivateKey(pem).asymmetricKeyType ?? '');
  } catch {
    return false;
  }
}
