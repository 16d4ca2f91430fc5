import { isIP, type Socket } from 'node:net';
import { connect, createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import type { HttpsExchange, HttpsExchangeDeps, HttpsOutcome, HttpsRequest, TlsFacts } from './https-exchange.ts';
import { type Answered, exchangeOver } from './https-exchange-answer.ts';
import { readTlsFacts } from './https-exchange-facts.ts';
import { explainDial, explainHandshake, type FailedExchange } from './https-exchange-failure.ts';
import type { System } from './system.ts';

/** What HTTP/1.1 can carry between two blanks (RFC 9112 section 3), and no control character. */
const TARGET = /^[\u0021-\u007e\u0080-\u00ff]+$/;

/**
 * The real thing: TLS 1.2 or 1.3 with HTTP/1.1 offered by ALPN. Holds nothing between requests but the roots. A target
 * that HTTP cannot carry is the caller's defect and rejects with a TypeError, like a header with a line break in it.
 */
export function createHttpsExchange(deps: HttpsExchangeDeps): HttpsExchange {
  const { system, ca = [] } = deps;
  // Reading all the roots takes some milliseconds, which only who asks pays, once.
  let context: SecureContext | undefined;
  const trust = (): SecureContext => {
    context ??= createSecureContext({ ca: [...getCACertificates('default'), ...ca] });
    return context;
  };

  return {
    async request(request, { verify, signal }) {
      signal.throwIfAborted();
      if (!TARGET.test(request.target)) throw new TypeError('A request target with characters that HTTP cannot carry');
      const start = system.monotonic();
      const took = (): number => system.monotonic() - start;
      const left = (most: number): number => Math.max(0, Math.min(most, request.deadline.total - took()));
      const lose = ({ failure, words }: FailedExchange, tls?: TlsFacts): HttpsOutcome => {
        return { ok: false, failure, words, tls, took: took() };
      };
      let open: Socket | undefined;
      try {
        const raw = system.dial({ kind: 'tcp', host: request.address, port: request.port });
        open = raw;
        const refused = await until<FailedExchange | undefined>({
          within: left(request.deadline.connect),
          late: { failure: 'connect-timeout', words: 'it did not answer to the connection attempt in time' },
          begin: (settle) =>
            raw.on('error', (error) => settle(explainDial(error))).once('connect', () => settle(undefined)),
          system,
          signal,
        });
        if (refused !== undefined) return lose(refused);
        const tls = connect({ socket: raw, ...tlsOptions(request, trust()) });
        open = tls;
        const failed = await until<FailedExchange | undefined>({
          within: left(request.deadline.handshake),
          late: { failure: 'handshake-timeout', words: 'it did not finish the TLS handshake in time' },
          begin: (settle) => {
            tls.on('error', (error) => settle(explainHandshake(error)));
            tls.once('close', () => settle(explainHandshake({ code: 'ECONNRESET' })));
            tls.once('secureConnect', () => settle(undefined));
          },
          system,
          signal,
        });
        if (failed !== undefined) return lose(failed);
        const facts = readTlsFacts(tls, request.certificateName);
        if (verify && facts.untrusted !== undefined) {
          return lose({ failure: 'untrusted', words: facts.untrusted.words }, facts);
        }
        const answered = await until<Answered>({
          within: left(Number.POSITIVE_INFINITY),
          late: { ok: false, failure: 'answer-timeout', words: 'its answer was not complete in time' },
          begin: (settle) => exchangeOver(tls, request, settle),
          system,
          signal,
        });
        if (!answered.ok) return lose(answered, facts);
        return { ...answered, tls: facts, took: took() };
      } finally {
        // The outermost, which ends the one below: that one ended first, inside OpenSSL's callback, crashes Node 26.
        open?.destroy();
      }
    },
  };
}

function tlsOptions({ certificateName }: HttpsRequest, secureContext: SecureContext) {
  return {
    secureContext,
    // RFC 6066 section 3: a name without its final dot, and never an address.
    servername: isIP(certificateName) === 0 ? certificateName.replace(/\.$/, '') : '',
    ALPNProtocols: ['http/1.1'],
    // Judged by ourselves afterwards, so that what was shown is known also when it is bad.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
}

interface Phase<T> {
  /** Milliseconds. */
  readonly within: number;
  readonly late: T;
  readonly begin: (settle: (value: T) => void) => void;
  readonly system: System;
  readonly signal: AbortSignal;
}

/** What `begin` settles with first, or `late` when it takes too long. Rejects with the signal's reason only. */
function until<T>({ within, late, begin, system, signal }: Phase<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', stop);
    };
    const settle = (value: T): void => {
      end();
      resolve(value);
    };
    const stop = (): void => {
      end();
      reject(signal.reason as Error);
    };
    const timer = system.setTimer(within, () => settle(late));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) return stop();
    try {
      begin(settle);
    } catch (error) {
      end();
      reject(error as Error);
    }
  });
}
