import type { Socket } from 'node:net';
import { describeError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import type { LoopBackFact } from './preflight-facts.ts';

/** Milliseconds for one probe, and bytes of its answer that are read. */
const PATIENCE = 5_000;
const MOST_BYTES = 8 * 1024;
const PORT = 80;

/** A name, and the IP address that it has. */
export interface LoopBackTarget {
  readonly name: string;
  readonly address: string;
}

/** Asks whether this sidecar is who answers at a name, by a token that nobody else knows. */
export interface LoopBack {
  /** Never rejects but for the signal. */
  probe(at: LoopBackTarget, signal: AbortSignal): Promise<LoopBackFact>;
  /** What to answer at /.well-known/acme-challenge/TOKEN; undefined for tokens that are none of ours. */
  answer(token: string): string | undefined;
}

export function createLoopBack({ system }: { readonly system: System }): LoopBack {
  const tokens = new Map<string, string>();

  async function probe(at: LoopBackTarget, signal: AbortSignal): Promise<LoopBackFact> {
    const token = `loop-back-${system.randomBytes(18).toString('base64url')}`;
    const secret = system.randomBytes(18).toString('base64url');
    tokens.set(token, secret);
    try {
      const answer = await ask(at, `/.well-known/acme-challenge/${token}`, system, signal);
      if (answer.includes(secret)) return { kind: 'ours' };
      return { kind: 'foreign', why: answer.split('\r\n', 1)[0]?.slice(0, 80) || 'an empty answer' };
    } catch (error) {
      signal.throwIfAborted();
      return { kind: 'failed', why: describeError(error) };
    } finally {
      tokens.delete(token);
    }
  }

  return { probe, answer: (token) => tokens.get(token) };
}

/** One plain HTTP request; resolves with what came, at most MOST_BYTES. */
function ask({ name, address }: LoopBackTarget, path: string, system: System, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = system.dial({ kind: 'tcp', host: address, port: PORT });
    let text = '';
    const finish = (then: () => void): void => {
      timer.cancel();
      signal.removeEventListener('abort', abort);
      socket.destroy();
      then();
    };
    const abort = (): void => finish(() => reject(signal.reason as Error));
    const timer = system.setTimer(PATIENCE, () =>
      finish(() => reject(new Error(`no answer within ${PATIENCE / 1000} s`))),
    );
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', (error) => finish(() => reject(error)));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.length >= MOST_BYTES) finish(() => resolve(text));
    });
    socket.on('end', () => finish(() => resolve(text)));
    socket.on('close', () => finish(() => resolve(text)));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\nUser-Agent: matrix-sidecar\r\n\r\n`);
  });
}
