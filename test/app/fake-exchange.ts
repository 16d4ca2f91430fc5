import type { Exchange } from '../../src/forward/exchange.ts';

/** What was answered: status, headers by lower-case name, and the body. */
export interface Answered {
  status: number | undefined;
  headers: Record<string, string>;
  body: string | undefined;
  /** The connection ends with the answer. */
  closing: boolean;
}

/** An exchange that keeps its answer. */
export function createFakeExchange(request: Partial<Exchange> = {}): { exchange: Exchange; answered: Answered } {
  const answered: Answered = { status: undefined, headers: {}, body: undefined, closing: false };
  const begin = (status: number, headers: readonly string[]): void => {
    if (answered.status !== undefined) throw new Error('answered twice');
    answered.status = status;
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index]!.toLowerCase();
      if (name in answered.headers) throw new Error(`${name} twice`);
      answered.headers[name] = headers[index + 1]!;
    }
  };
  const exchange = {
    facts: { listener: 'https', peerAddress: '192.0.2.1', peerPort: 1, serverName: undefined, tlsVersion: undefined },
    method: 'GET',
    target: '/',
    authority: 'a.test',
    headers: [],
    httpVersion: '1.1',
    contentLength: undefined,
    hasBody: false,
    expectsContinue: false,
    takesTrailers: false,
    answered: false,
    status: 0,
    closed: false,
    unsent: 0,
    respond: (status: number, _reason: string, headers: string[]) => begin(status, headers),
    end: (chunk?: Buffer) => {
      answered.body = chunk?.toString() ?? '';
    },
    respondAndClose: (status: number, _reason: string, headers: string[], body: Buffer) => {
      begin(status, headers);
      answered.body = body.toString();
      answered.closing = true;
    },
    ...request,
  } as unknown as Exchange;
  return { exchange, answered };
}
