import type { JsonObject } from '../matrix/json.ts';
import { signRequest } from '../matrix/x-matrix.ts';
import type { Identity } from './identity.ts';
import { transactionTarget } from './probe-targets.ts';

/** A transaction of one ephemeral event of a kind that nobody knows: large, valid, and without consequence. */
export interface LargeTransaction {
  readonly target: string;
  /** Made when it is needed, once, like the signature: most tests come to no homeserver that could be sent it. */
  body(): Buffer;
  /** The Authorization header's value. */
  sign(): string | undefined;
}

/**
 * Builds it. `bytes`: what the event weighs; Synapse takes 13,107,200 in all, and homeservers do send such
 * transactions. `id` and `now` make it one that was not sent before.
 */
export function buildLargeTransaction(
  bytes: number,
  slice: { readonly id: string; readonly now: number; readonly destination: string; readonly identity?: Identity },
): LargeTransaction {
  const { id, now, destination, identity } = slice;
  const origin = identity?.serverName.text ?? 'matrix-sidecar-check.invalid';
  const target = transactionTarget(id);
  const makeContent = (): JsonObject => ({
    origin,
    origin_server_ts: now,
    pdus: [],
    edus: [{ edu_type: 'io.github.matrix-sidecar.check', content: { filler: 'x'.repeat(bytes) } }],
  });
  let body: Buffer | undefined;
  let signature: string | undefined;
  return {
    target,
    body() {
      body ??= Buffer.from(JSON.stringify(makeContent()));
      return body;
    },
    sign() {
      if (identity === undefined) return undefined;
      const request = { method: 'PUT', uri: target, origin, destination, content: makeContent() };
      signature ??= signRequest(request, identity.key);
      return signature;
    },
  };
}
