import { type IncomingHttpHeaders, request } from 'node:http';
import type { Upstream } from '../../../src/base/address.ts';

export interface PlainAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

/** One plain HTTP request to an upstream, its path sent as it is. */
export function requestPlainly(
  upstream: Upstream,
  method: string,
  path: string,
  more: {
    readonly headers?: Record<string, string | string[]>;
    readonly body?: string | Buffer;
    readonly host?: string;
  } = {},
): Promise<PlainAnswer> {
  const where = upstream.kind === 'unix' ? { socketPath: upstream.path } : { host: upstream.host, port: upstream.port };
  return new Promise((resolve, reject) => {
    const headers = { Host: more.host ?? 'localhost', ...more.headers };
    const outgoing = request({ ...where, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
        resolve({ status: response.statusCode!, headers: response.headers, text, json });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(more.body);
  });
}
