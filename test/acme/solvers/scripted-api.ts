import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallApi } from '../../../src/acme/solvers/call-api.ts';
import { createApiCaller } from '../../../src/acme/solvers/call-api.ts';
import { realSystem, type System } from '../../../src/base/system.ts';

export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON; undefined without a body. */
  readonly body: unknown;
}

/** What is answered; `cut` ends the connection, `silence` says nothing. */
export type ScriptedAnswer =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | 'cut'
  | 'silence';

export interface ScriptedApi {
  readonly url: string;
  readonly seen: SeenRequest[];
  readonly call: CallApi;
  close(): Promise<void>;
}

/** An HTTP server that answers as told, and a caller that reaches it. A body that is a string is sent as it is. */
export async function startApi(
  decide: (request: SeenRequest) => ScriptedAnswer,
  more: { readonly system?: System; readonly timeout?: number } = {},
): Promise<ScriptedApi> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += String(chunk);
    });
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const one = { method, path, headers, body: text === '' ? undefined : JSON.parse(text) };
      seen.push(one);
      const answer = decide(one);
      if (answer === 'cut') return void request.socket.destroy();
      if (answer === 'silence') return;
      response.writeHead(answer.status ?? 200, answer.headers);
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {}));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { timeout } = more;
  const caller = createApiCaller(
    { title: 'test', ...(timeout === undefined ? {} : { timeout }) },
    { system: more.system ?? realSystem },
  );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    call: caller.call,
    async close() {
      await caller.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
