import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'vitest';
import { startHttpUpstream, type TestUpstream } from './upstream.ts';

/** One of several homeservers that serve the same; it answers with its name. */
export interface TestInstance {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  /** Requests that arrived, but for those that ask how it is: method and path. */
  readonly seen: readonly string[];
  /** While true, it takes requests and answers none. */
  hung: boolean;
  /** Milliseconds that an answer takes. */
  slow: number;
  /** Answered in place of everything. */
  status: number;
  /** Says what it answers to a request in place of its name; undefined: its name. */
  say: ((request: IncomingMessage) => string | undefined) | undefined;
  /** How often it was asked how it is. */
  asked: number;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts one on a port of the test's own, at `host` (127.0.0.1 and others of 127.0.0.0/8). It is stopped with the test. */
export async function startInstance(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  name: string,
  at: { readonly host?: string; readonly port?: number } = {},
): Promise<TestInstance> {
  const seen: string[] = [];
  let upstream: TestUpstream | undefined;
  const instance: { -readonly [K in keyof TestInstance]: TestInstance[K] } = {
    ...{ name, port: at.port ?? 0, url: '', seen, hung: false, slow: 0, status: 200, asked: 0 },
    ...{ say: undefined, start, stop },
  };
  async function start(): Promise<void> {
    upstream = await startHttpUpstream(answer, { port: instance.port, ...(at.host === undefined ? {} : at) });
    instance.port = upstream.port;
    instance.url = `http://${at.host ?? '127.0.0.1'}:${upstream.port}`;
  }
  async function stop(): Promise<void> {
    await upstream?.close();
    upstream = undefined;
  }
  function answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    request.once('end', () => {
      if (request.url === '/health') instance.asked++;
      else seen.push(`${request.method} ${request.url}`);
      if (instance.hung) return;
      response.statusCode = instance.status;
      setTimeout(() => response.end(instance.say?.(request) ?? name), request.url === '/health' ? 0 : instance.slow);
    });
  }
  await start();
  onTestFinished(stop);
  return instance;
}
