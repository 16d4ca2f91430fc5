import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { describeError, SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import { isSelfSigned } from './chain.ts';
import type { Signer } from './sign-certificate.ts';

/** A root certificate and its key. */
export interface Authority extends Signer {
  readonly root: X509Certificate;
}

/** Certificates of the CA begin an hour in the past, for clients whose clock is behind. Milliseconds. */
export const BACKDATED = 3_600_000;
const TEN_YEARS = 10 * 365 * 86_400_000;
// node:crypto's, in a thread of its own: forge's takes four times as long, on this one.
const makeKeyPair = promisify(generateKeyPair);

/** Makes a root for ten years, named after its own random id, and gives certificate and key as one PEM text. */
export async function createAuthority(system: System): Promise<string> {
  const { publicKey, privateKey } = await makeKeyPair('rsa', { modulusLength: 2048 });
  // The id tells two CAs apart in a browser's list, and keeps a client that trusts one from mistaking the other for it.
  const commonName = `matrix-sidecar development CA ${system.randomBytes(4).toString('hex')}`;
  const now = system.now();
  const request = {
    commonName,
    serial: system.randomBytes(16),
    notBefore: now - BACKDATED,
    notAfter: now + TEN_YEARS,
    publicKey,
  };
  // Loaded when it is needed, with node-forge: once, and it takes a tenth of the time to start.
  const { signRoot } = await import('./sign-certificate.ts');
  const root = signRoot(request, { commonName, publicKey, privateKey });
  return root.toString() + privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * Reads what `createAuthority` made. Throws a SidecarError that names `where` it is when it is damaged or over: it is
 * never replaced unasked, because clients have been told to trust it.
 */
export function parseAuthority(bytes: Uint8Array, where: string, now: number): Authority {
  const pem = Buffer.from(bytes).toString('utf8');
  let root: X509Certificate;
  let privateKey: KeyObject;
  try {
    root = new X509Certificate(pem);
    privateKey = createPrivateKey(pem);
  } catch (cause) {
    throw damaged(where, describeError(cause), cause);
  }
  const commonName = /^CN=(.+)$/.exec(root.subject)?.[1];
  if (commonName === undefined || !root.ca || !isSelfSigned(root)) throw damaged(where, 'it is no root of ours');
  if (!root.checkPrivateKey(privateKey) || privateKey.asymmetricKeyType !== 'rsa') {
    throw damaged(where, 'its key does not belong to its certificate');
  }
  if (now >= root.validToDate.getTime()) {
    throw damaged(where, `it expired on ${root.validToDate.toISOString().slice(0, 10)}`);
  }
  return { root, commonName, privateKey, publicKey: createPublicKey(privateKey) };
}

function damaged(where: string, why: string, cause?: unknown): SidecarError {
  return new SidecarError(`The development CA in ${where} cannot be used: ${why}.`, {
    code: 'development-ca-unusable',
    blame: 'operator',
    hint: 'Restore it from a backup, or remove it: the sidecar then makes a new one, which every client has to be told to trust.',
    cause,
  });
}
