import { generateKeyPairSync } from 'node:crypto';
import { request as requestPlain, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import forge from 'node-forge';
import type { Upstream } from '../../../src/base/address.ts';

/** What an edge can do wrong, each seen in a real proxy. */
export type Fault =
  | 'collapses slashes'
  | 'changes bodies'
  | 'appends to X-Forwarded-For'
  | 'passes preflights on'
  | 'speaks HTTP/1.1 only'
  | 'answers 500 for a dead homeserver'
  | 'has no CORS on errors'
  | 'delegates elsewhere'
  | 'has a certificate for another name';

export interface Edge {
  readonly port: number;
  close(): Promise<void>;
}

export interface Authority {
  readonly ca: string;
  issue(names: readonly string[]): { readonly cert: string; readonly key: string };
}

/** A certificate authority for one test run. */
export function createAuthority(): Authority {
  const ca = keyPair();
  const subject = [{ name: 'commonName', value: 'Test CA' }];
  const root = certificate(ca, subject, subject, [{ name: 'basicConstraints', cA: true, critical: true }]);
  root.sign(ca.privateKey, forge.md.sha256.create());
  const leaf = keyPair();
  return {
    ca: forge.pki.certificateToPem(root),
    issue(names) {
      const altNames = names.map((name) => (/^[\d.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name }));
      const issued = certificate(leaf, [], subject, [{ name: 'subjectAltName', altNames, critical: true }]);
      issued.sign(ca.privateKey, forge.md.sha256.create());
      return { cert: forge.pki.certificateToPem(issued), key: forge.pki.privateKeyToPem(leaf.privateKey) };
    },
  };
}

function keyPair(): forge.pki.rsa.KeyPair {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }) as string;
  const key = forge.pki.privateKeyFromPem(pem) as forge.pki.rsa.PrivateKey;
  return { privateKey: key, publicKey: forge.pki.setRsaPublicKey(key.n, key.e) };
}

function certificate(
  keys: forge.pki.rsa.KeyPair,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  extensions: object[],
): forge.pki.Certificate {
  const made = forge.pki.createCertificate();
  made.publicKey = keys.publicKey;
  made.serialNumber = '01';
  made.validity.notBefore = new Date(Date.now() - 60_000);
  made.validity.notAfter = new Date(Date.now() + 3_600_000);
  made.setSubject(subject);
  made.setIssuer(issuer);
  made.setExtensions(extensions);
  return made;
}

/** The least TLS edge that passes the demo's checks, or fails one of them as it is told to. */
export async function createEdge(options: {
  readonly authority: Authority;
  readonly names: readonly string[];
  readonly upstream: () => Upstream;
  readonly wellKnown: Readonly<Record<string, object>>;
  readonly fault?: Fault | undefined;
}): Promise<Edge> {
  const { authority, names, upstream, wellKnown, fault } = options;
  const { cert, key } = authority.issue(fault === 'has a certificate for another name' ? ['other.example'] : names);
  const speak = ({ protocols }: { protocols: string[] }): string =>
    protocols.includes('h2') && fault !== 'speaks HTTP/1.1 only' ? 'h2' : 'http/1.1';
  const server = createSecureServer({ allowHTTP1: true, cert, key, ALPNCallback: speak }, (req, res) => {
    const response = res as Http2ServerResponse & ServerResponse;
    const cors = { 'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET' };
    const target = fault === 'collapses slashes' ? req.url.replace('//', '/') : req.url;
    if (req.method === 'OPTIONS' && fault !== 'passes preflights on') return void response.writeHead(204, cors).end();
    const document = /^\/\.well-known\/matrix\/(\w+)$/.exec(target)?.[1];
    if (document !== undefined) {
      const elsewhere = fault === 'delegates elsewhere' && document === 'server';
      const body = elsewhere ? { 'm.server': 'elsewhere.example:443' } : wellKnown[document];
      const headers = { ...cors, 'content-type': 'application/json' };
      return void response.writeHead(body === undefined ? 404 : 200, headers).end(JSON.stringify(body ?? {}));
    }
    const { address } = req.socket as unknown as { address(): AddressInfo };
    const claimed = fault === 'appends to X-Forwarded-For' ? req.headers['x-forwarded-for'] : undefined;
    const headers = Object.entries(req.headers).filter(([name]) => !name.startsWith(':') && name !== 'connection');
    const to = upstream();
    const outgoing = requestPlain({
      ...(to.kind === 'unix' ? { socketPath: to.path } : { host: to.host, port: to.port }),
      agent: false,
      method: req.method,
      path: target,
      headers: {
        ...Object.fromEntries(headers),
        host: req.headers[':authority'] ?? req.headers.host,
        'x-forwarded-for': claimed === undefined ? address.call(req.socket).address : `${String(claimed)}, 127.0.0.1`,
        'x-forwarded-proto': 'https',
        'x-request-id': 'r1',
      },
    });
    outgoing.on('response', (incoming) => {
      const { connection: _connection, 'keep-alive': _keepAlive, ...kept } = incoming.headers;
      response.writeHead(incoming.statusCode!, kept);
      incoming.pipe(response);
    });
    outgoing.on('error', () => {
      const status = fault === 'answers 500 for a dead homeserver' ? 500 : 502;
      response.writeHead(status, fault === 'has no CORS on errors' ? {} : cors);
      response.end(JSON.stringify({ errcode: 'M_UNKNOWN', error: 'The homeserver is down' }));
    });
    if (fault === 'changes bodies') {
      req.on('data', (chunk: Buffer) =>
        outgoing.write(Buffer.from(chunk.toString('latin1').replaceAll('00', '01'), 'latin1')),
      );
      req.on('end', () => outgoing.end());
    } else req.pipe(outgoing);
  });
  const sockets = new Set<{ destroy(): void }>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('sessionError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
