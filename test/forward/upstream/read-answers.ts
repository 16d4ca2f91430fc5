import { AnswerReader } from '../../../src/forward/upstream/answer-reader.ts';
import { WireError } from '../../../src/forward/upstream/wire-error.ts';

/** What a reader made of some bytes. */
export interface Reading {
  readonly interim: readonly { readonly status: number; readonly fields: readonly string[] }[];
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly fields: readonly string[] | undefined;
  /** Each char a byte. */
  readonly body: string;
  readonly trailers: readonly string[] | undefined;
  /** The connection may serve another request, as far as its bytes say. */
  readonly reusable: boolean;
  /** `open`: it waits for more. */
  readonly end: 'whole' | 'open' | 'refused' | 'closed';
  readonly why: string | undefined;
}

/** Reads one answer from the pieces; with `closed`, the connection ends behind them. Throws at nothing but a defect. */
export function readAnswer(pieces: readonly Buffer[], { method = 'GET', closed = false } = {}): Reading {
  const interim: { status: number; fields: readonly string[] }[] = [];
  const seen: { -readonly [K in keyof Reading]: Reading[K] } = {
    ...{ interim, status: undefined, reason: undefined, fields: undefined, body: '', trailers: undefined },
    ...{ reusable: false, end: 'open', why: undefined },
  };
  let keepAlive = false;
  const reader = new AnswerReader({
    interim: ({ status, fields }) => void interim.push({ status, fields }),
    head({ status, reason, fields }, framing) {
      Object.assign(seen, { status, reason, fields });
      keepAlive = framing.keepAlive;
    },
    data(chunk) {
      seen.body += chunk.toString('latin1');
    },
    end(trailers, surplus) {
      Object.assign(seen, { end: 'whole', trailers, reusable: keepAlive && !surplus });
    },
  });
  reader.begin(method);
  try {
    for (const piece of pieces) reader.push(piece);
    if (closed) reader.finish();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    seen.end = error.code === 'ERR_UPSTREAM_CLOSED' ? 'closed' : 'refused';
    seen.why = error.message;
  }
  return seen;
}

/** Each byte alone. */
export function shred(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}
