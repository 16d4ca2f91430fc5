import type { SigningKey } from '../../matrix/signing.ts';

/** A signing key as Synapse keeps it: `ed25519 VERSION SEED`, the seed in unpadded Base64. */
export function writeSigningKey({ keyId, privateKey }: SigningKey): string {
  const { d = '' } = privateKey.export({ format: 'jwk' });
  const seed = Buffer.from(d, 'base64url').toString('base64').replace(/=+$/, '');
  return `${keyId.replace(':', ' ')} ${seed}\n`;
}
