import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type Signer, signLeaf, signRoot } from '../../src/tls/sign-certificate.ts';

/** Makes the certificates of a CA that tests script. */
export interface ScriptedIssuer {
  /** The root that signs the CA's own TLS certificate. */
  readonly rootPem: string;
  /** For the CA's own listener: `localhost`, 127.0.0.1, ::1. */
  readonly serverCertPem: string;
  readonly serverKeyPem: string;
  /** The leaf, PEM, signed by the intermediate. Times in milliseconds. */
  issue(publicKey: KeyObject, names: readonly string[], notBefore: number, notAfter: number): string;
  /** The intermediate as signed by `Scripted Root A`, then by `Scripted Root B`. */
  readonly intermediates: readonly [string, string];
}

const DAY = 86_400_000;

function makeSigner(commonName: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { commonName, privateKey, publicKey };
}

export function createScriptedIssuer(): ScriptedIssuer {
  const rootA = makeSigner('Scripted Root A');
  const rootB = makeSigner('Scripted Root B');
  const intermediate = makeSigner('Scripted Intermediate');
  let serial = 0;
  const nextSerial = (): Buffer => {
    serial += 1;
    const bytes = Buffer.alloc(16, 0x5a);
    bytes.writeUInt32BE(serial, 12);
    return bytes;
  };
  const certify = (subject: Signer, signer: Signer): string =>
    signRoot(
      {
        commonName: subject.commonName,
        serial: nextSerial(),
        notBefore: Date.now() - 400 * DAY,
        notAfter: Date.now() + 4_000 * DAY,
        publicKey: subject.publicKey,
      },
      signer,
    ).toString();
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = {
    commonName: 'scripted CA',
    serial: nextSerial(),
    notBefore: Date.now() - DAY,
    notAfter: Date.now() + 4_000 * DAY,
    publicKey: createPublicKey(own.privateKey),
  };
  return {
    rootPem: certify(rootA, rootA),
    serverCertPem: signLeaf(server, ['localhost', '127.0.0.1', '::1'], rootA).toString(),
    serverKeyPem: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    intermediates: [certify(intermediate, rootA), certify(intermediate, rootB)],
    issue(publicKey, names, notBefore, notAfter) {
      const request = { commonName: 'scripted leaf', serial: nextSerial(), notBefore, notAfter, publicKey };
      return signLeaf(request, names, intermediate).toString();
    },
  };
}
