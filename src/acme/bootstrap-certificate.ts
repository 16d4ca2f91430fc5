import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { System } from '../base/system.ts';
import type { Certificate } from '../tls/certificate.ts';
import { parsePemCertificate } from '../tls/pem-certificate.ts';
import { BOOTSTRAP_ORIGIN } from './bootstrap-origin.ts';

const makeKeyPair = promisify(generateKeyPair);
const DAY = 86_400_000;

/** How a bootstrap certificate calls itself, for whoever looks at it in a browser. */
export const BOOTSTRAP_NAME = 'matrix-sidecar: no certificate yet';

/**
 * A certificate that nobody trusts and that says so, for the time before the first real one: the ports answer, and
 * a CA that validates over TLS gets a handshake. Never stored, and never served once a real one existed.
 */
export async function makeBootstrapCertificate(names: readonly string[], system: System): Promise<Certificate> {
  const { privateKey } = await makeKeyPair('rsa', { modulusLength: 2048 });
  const publicKey: KeyObject = createPublicKey(privateKey);
  const now = system.now();
  // Loaded when it is needed, with node-forge: seldom, and it takes a tenth of the time to start.
  const { signLeaf } = await import('../tls/sign-certificate.ts');
  const leaf = signLeaf(
    {
      commonName: BOOTSTRAP_NAME,
      serial: system.randomBytes(16),
      notBefore: now - DAY,
      notAfter: now + 7 * DAY,
      publicKey,
    },
    names,
    {
      commonName: BOOTSTRAP_NAME,
      privateKey: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
      publicKey,
    },
  );
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return parsePemCertificate(leaf.toString(), keyPem, BOOTSTRAP_ORIGIN);
}
