/** How a request ended for its client: each has exactly one. */
export interface Outcome {
  readonly end: /** An answer, to its end. */
    | 'whole'
    /** An answer that broke off. */
    | 'cut'
    /** No answer: the connection or stream ended. */
    | 'failed'
    /** The client left by itself. */
    | 'left'
    /** Nothing for longer than anything may take. */
    | 'hung';
  readonly status: number;
  /** The id that the homeserver's answer bears; undefined for an answer of the sidecar's own. */
  readonly answers: string | undefined;
  /** The homeserver said that it starts. */
  readonly starting: boolean;
  /** Bytes of the body. */
  readonly bytes: number;
  /** They are those that the homeserver was to send, all or the first of them. */
  readonly body: 'right' | 'begun right' | 'wrong';
  /** How it begins. */
  readonly words: string;
  /** An id behind a chunked body. */
  readonly trailer: string | undefined;
  readonly detail: string;
  /** Milliseconds. */
  readonly took: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** An outcome that happens as a request goes on: the first end counts, and every further one is told. */
export interface OutcomeKeeper {
  head(status: number, field: (name: string) => string | undefined): void;
  data(chunk: Buffer): void;
  trailer(id: string): void;
  end(end: Outcome['end'], detail?: string): void;
  readonly ended: boolean;
}

/** `done` is called once, `again` for an answer to a request that had ended. Nothing of the body is kept. */
export function keepOutcome(
  expect: () => Buffer,
  done: (outcome: Outcome) => void,
  again: (what: string) => void,
): OutcomeKeeper {
  const began = performance.now();
  const chunks: Buffer[] = [];
  let status = 0;
  let answers: string | undefined;
  let starting = false;
  let trailer: string | undefined;
  let ended: Outcome['end'] | undefined;
  return {
    get ended() {
      return ended !== undefined;
    },
    head(code, field) {
      if (status !== 0) again(`a second answer, ${code} after ${status}`);
      status = code;
      answers = field('x-soak-id');
      starting = field('x-soak-starting') !== undefined;
    },
    data(chunk) {
      if (ended === undefined) chunks.push(chunk);
    },
    trailer(id) {
      trailer = id;
    },
    end(end, detail = '') {
      if (ended !== undefined) return;
      ended = end;
      const bytes = Buffer.concat(chunks.splice(0));
      const expected = expect();
      done({
        end,
        status,
        answers,
        starting,
        bytes: bytes.length,
        body: bytes.equals(expected)
          ? 'right'
          : bytes.equals(expected.subarray(0, bytes.length))
            ? 'begun right'
            : 'wrong',
        words: bytes.toString('latin1', 0, 120),
        trailer,
        detail,
        took: performance.now() - began,
        at: Date.now(),
      });
    },
  };
}
