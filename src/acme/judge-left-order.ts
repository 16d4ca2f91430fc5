import type { LedgerOrder } from './ledger.ts';
import type { Order } from './order.ts';

/** Milliseconds that a CA may take over one order; after that nothing waits for it any more. */
const MAY_TAKE = 3_600_000;

export interface LeftOrderFacts {
  readonly order: LedgerOrder;
  /** As the CA shows it. */
  readonly found: Pick<Order, 'status' | 'expires'>;
  /** The private key that the CA was asked to sign for is in the store. */
  readonly hasKey: boolean;
  /** A certificate for its names, from its CA, is wanted now. */
  readonly wanted: boolean;
}

/**
 * What becomes of an order that was left in the middle:
 * - `finish`: its names are proved and its key is known, so its certificate can be had at once.
 * - `resume`: the next attempt goes on with it, instead of making another order.
 * - `wait`: the CA is not done; ask again. Meanwhile no other order is made if `resume` is set.
 * - `lost`: a certificate came of it, or may have, that nobody has the key of.
 * - `abandon`: no certificate comes of it.
 */
export type LeftOrderFate =
  | { readonly do: 'finish' | 'resume' | 'lost'; readonly why: string }
  | { readonly do: 'wait'; readonly resume: boolean; readonly why: string }
  | { readonly do: 'abandon'; readonly failedNames: readonly string[]; readonly why: string };

export function judgeLeftOrder({ order, found, hasKey, wanted }: LeftOrderFacts, now: number): LeftOrderFate {
  switch (found.status) {
    case 'valid':
      return hasKey
        ? { do: 'finish', why: 'Its certificate was issued, and its key is in the store.' }
        : { do: 'lost', why: 'Its certificate was issued, and its key is lost.' };
    case 'processing':
      return { do: 'wait', resume: hasKey && now - order.at < MAY_TAKE, why: 'The CA is not done with it.' };
    case 'invalid': {
      // It does not say which of its names failed; all of them is the careful guess.
      const expired = found.expires !== undefined && found.expires <= now;
      const why = expired ? 'It expired.' : 'The CA gave it up.';
      return { do: 'abandon', failedNames: expired ? [] : order.names, why };
    }
    case 'ready':
    case 'pending':
      if (!wanted) return { do: 'abandon', failedNames: [], why: 'Nothing is due that it could be used for.' };
      return hasKey && found.status === 'ready'
        ? { do: 'finish', why: 'All of its names are proved, and its key is in the store.' }
        : { do: 'resume', why: 'It can be gone on with.' };
  }
}
