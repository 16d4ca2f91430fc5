import type { System } from '../base/system.ts';
import { badAnswer, WireError } from './upstream/wire-error.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** A question of our own, whose answer is wanted as a whole. */
export interface Question {
  readonly path: string;
  /** Name, value, name, value. */
  readonly headers: readonly string[];
  /** Milliseconds from now to the last byte of the answer, however it trickles. */
  readonly within: number;
  /** Bytes of the answer's body, at most. */
  readonly most: number;
}

export type Answered =
  | { readonly ok: true; readonly status: number; readonly body: Buffer }
  | { readonly ok: false; readonly error: Error };

/** Asks with GET and gives the connection back. Never rejects. */
export function askWhole(connection: UpstreamConnection, question: Question, system: System): Promise<Answered> {
  const { path, headers, within, most } = question;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let status = 0;
    const late = (): void =>
      connection.abort(new WireError('ERR_UPSTREAM_ANSWER_LATE', `no whole answer in ${within / 1000} s`));
    const limit = system.setTimer(within, late);
    connection.dispatch(
      { target: path, method: 'GET', headers, body: null, answerWithin: within, moveWithin: within },
      {
        begun() {},
        interim() {},
        head(head) {
          status = head.status;
        },
        data(chunk) {
          bytes += chunk.length;
          if (bytes > most) connection.abort(badAnswer(`it is longer than ${most} bytes`));
          else chunks.push(chunk);
        },
        end() {
          limit.cancel();
          connection.release();
          resolve({ ok: true, status, body: Buffer.concat(chunks) });
        },
        failed(error) {
          limit.cancel();
          connection.discard();
          resolve({ ok: false, error });
        },
      },
    );
  });
}
