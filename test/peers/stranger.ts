import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { buildKeyDocument } from '../../src/matrix/key-document.ts';
import { createSigningKey } from '../../src/matrix/signing.ts';
import { signRequest } from '../../src/matrix/x-matrix.ts';
import type { IssuedFiles } from './authority.ts';

/** A server of the federation that is nothing but a name, a key document and a signature. */
export interface Stranger {
  readonly serverName: string;
  /** The Authorization header (X-Matrix) for a request with this JSON content. */
  authorize(destination: string, method: string, uri: string, content: object): string;
  close(): Promise<void>;
}

/** Publishes the key document at https://ADDRESS:8448 with this certificate. */
export async function startStranger(serverName: string, address: string, certificate: IssuedFiles): Promise<Stranger> {
  const key = createSigningKey('ed25519:test', randomBytes(32));
  const document = JSON.stringify(buildKeyDocument(serverName, key, Date.now() + 86_400_000));
  const server = createServer(
    { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) },
    (request, response) => {
      const known = request.url?.startsWith('/_matrix/key/v2/server') === true;
      response.writeHead(known ? 200 : 404, { 'Content-Type': 'application/json' });
      response.end(known ? document : '{"errcode":"M_UNRECOGNIZED","error":"only a key is here"}');
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(8448, address, resolve);
  });
  return {
    serverName,
    authorize: (destination, method, uri, content) =>
      signRequest({ method, uri, origin: serverName, destination, content }, key),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
