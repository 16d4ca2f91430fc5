import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

/** The kinds of key that a certificate can be for. */
export type KeyType = 'ecdsa-p256' | 'ecdsa-p384' | 'rsa-2048' | 'rsa-4096';

const makeKeyPair = promisify(generateKeyPair);

/** A new private key; PEM, PKCS#8. Made in a thread of its own: 4096 bits take seconds. */
export async function makeCertificateKey(type: KeyType): Promise<string> {
  const { privateKey } =
    type === 'ecdsa-p256' || type === 'ecdsa-p384'
      ? await makeKeyPair('ec', { namedCurve: type === 'ecdsa-p256' ? 'P-256' : 'P-384' })
      : await makeKeyPair('rsa', { modulusLength: type === 'rsa-2048' ? 2048 : 4096 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
