import type { System } from '../base/system.ts';
import { createCertificateRequest, describeCa } from './acme-client-transport.ts';
import type { Ca } from './ca.ts';
import { type KeyType, makeCertificateKey } from './certificate-key.ts';
import { checkIssued } from './check-issued.ts';
import type { Order } from './order.ts';
import { chooseDelay, isSoon, pollUntil, retryTransient } from './patience.ts';
import { pause } from './pause.ts';
import { AcmeProblem } from './problem.ts';
import { describeSubproblems, isTransient } from './read-problem.ts';

const MAX_TRIES = 3;

/** A certificate with its key, both PEM. */
export interface Issued {
  /** The leaf first. */
  readonly chainPem: string;
  /** PKCS#8. */
  readonly keyPem: string;
}

export interface FinalizeWish {
  readonly names: readonly string[];
  readonly keyType: KeyType;
  /** The key (PEM) that the request was or may have been sent with already; undefined for a new one. */
  readonly keyPem?: string | undefined;
}

/**
 * From an order whose names are all proved to its certificate. The request is sent when the order is `ready` (some CAs
 * take their time), and again only when the order shows that the CA has not got it; `keepKey` hears of the key before.
 * Rejects with an AcmeProblem, with what `keepKey` rejects with, or the signal's reason.
 */
export async function finalizeOrder(
  pending: Order,
  wish: FinalizeWish,
  deps: {
    readonly ca: Ca;
    readonly system: System;
    readonly keepKey?: ((keyPem: string) => Promise<void>) | undefined;
  },
  signal: AbortSignal,
): Promise<Issued> {
  const { ca, system } = deps;
  const poll = (first: Order | undefined, settled: (order: Order) => boolean): Promise<Order> =>
    pollUntil(
      { first, settled, read: () => ca.readOrder(pending.url, signal), what: `the order for ${wish.names.join(', ')}` },
      system,
      signal,
    );

  const keyPem = wish.keyPem ?? (await makeCertificateKey(wish.keyType));
  // The order that came with `newOrder` is from before the proof.
  let order = await poll(pending.status === 'pending' ? undefined : pending, ({ status }) => status !== 'pending');
  if (order.status === 'ready' && wish.keyPem === undefined) await deps.keepKey?.(keyPem);
  const csr = order.status === 'ready' ? await createCertificateRequest(wish.names, keyPem) : undefined;
  for (let tries = 1; order.status === 'ready' && csr !== undefined; tries++) {
    try {
      order = await ca.finalize(order, csr, signal);
      break;
    } catch (error) {
      const early = error instanceof AcmeProblem && error.problem.type === 'orderNotReady';
      if (tries >= MAX_TRIES || !(early || isTransient(error)) || !isSoon(error.retryAfter)) throw error;
      await pause(system, chooseDelay(error.retryAfter, tries), signal);
      order = await poll(undefined, ({ status }) => status !== 'pending');
    }
  }
  order = await poll(order, ({ status }) => status === 'valid' || status === 'invalid');
  if (order.status === 'invalid') throw explainInvalid(order, wish.names, ca);
  const issued = order;
  const chainPem = await retryTransient(() => ca.downloadCertificate(issued, signal), system, signal);
  return { chainPem: checkIssued(chainPem, keyPem, wish.names, system.now()).chainPem, keyPem };
}

function explainInvalid(order: Order, names: readonly string[], { directoryUrl }: Ca): AcmeProblem {
  const problem = order.error ?? {
    type: 'serverInternal',
    detail: 'the CA says that the order is invalid, and not why',
    status: 200,
    subproblems: [],
  };
  const what = `${describeCa(directoryUrl)} issued no certificate for ${names.join(', ')}`;
  return new AcmeProblem(problem, `${what}${describeSubproblems(problem)}`);
}
