import { type Agent, request } from 'node:https';
import { SMALL } from './peers/fixed-upstream.ts';
import { SERVER_NAME } from './workspace.ts';

/** Where a proxy listens, and the certificate that it must show. */
export interface Target {
  readonly port: number;
  readonly pem: string;
}

export interface Question {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** A connection of its own where absent. */
  readonly agent?: Agent;
}

export interface Answer {
  readonly status: number;
  readonly bytes: number;
}

/** The small request of most rows. */
export const SMALL_PATH = '/_matrix/client/v3/profile/%40alice%3Abench.test';

/**
 * What every client of the bench offers: TLS 1.3, one cipher suite, one group, so that each proxy does the same work
 * whatever its version would prefer.
 */
export const TLS_OFFER = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256', ecdhCurve: 'X25519' } as const;

/** One request over HTTP/1.1, certificate checked. */
export function ask({ port, pem }: Target, { path, method = 'GET', headers, body, agent }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, ca: pem, servername: SERVER_NAME, ...TLS_OFFER };
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    const sent = request({ ...options, agent: agent ?? false, headers: { host: SERVER_NAME, ...length, ...headers } });
    sent.on('response', (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('error', reject).on('end', () => resolve({ status: response.statusCode ?? 0, bytes }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Whether the proxy answers the small request as it should. */
export async function answersRight(target: Target): Promise<boolean> {
  const { status, bytes } = await ask(target, { path: SMALL_PATH });
  return status === 200 && bytes === SMALL;
}
