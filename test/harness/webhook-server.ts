import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Made, makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';

/** What was posted to it. */
export interface Posted {
  readonly method: string;
  readonly path: string;
  readonly contentType: string | undefined;
  readonly body: string;
}

/** A chat service's place, taken by a program of the test on a real HTTPS server. */
export interface WebhookServer {
  /** With a secret in its path and in its query. */
  readonly url: string;
  readonly secrets: readonly string[];
  readonly host: string;
  /** The CA of its certificate, PEM; the same for all of these servers. */
  readonly ca: string;
  readonly posted: readonly Posted[];
  /** The bodies of what was posted, as JSON. */
  messages(): Record<string, unknown>[];
  /** From now on; 200 is the beginning. */
  answerWith(answer: (response: ServerResponse, request: IncomingMessage) => void): void;
  close(): Promise<void>;
}

/** Made once for all tests of a file: RSA keys take their time. */
let root: Made | undefined;
const SECRETS = ['T0k3nInThePath', 'S3cretInTheQuery'] as const;

export async function startWebhookServer(options: { readonly names?: readonly string[] } = {}): Promise<WebhookServer> {
  root ??= makeCertificate({ commonName: 'webhook root', ca: true });
  const leaf = makeEcCertificate(options.names ?? ['localhost'], root);
  const posted: Posted[] = [];
  const sockets = new Set<Socket>();
  let answer = (response: ServerResponse, _request: IncomingMessage): void => void response.end('ok');
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      posted.push({ method, path: url, contentType: headers['content-type'], body });
      answer(response, request);
    });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  return {
    url: `https://${host}/hooks/${SECRETS[0]}?key=${SECRETS[1]}`,
    secrets: SECRETS,
    host,
    ca: root.certPem,
    posted,
    messages: () => posted.map(({ body }) => JSON.parse(body) as Record<string, unknown>),
    answerWith(next) {
      answer = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
