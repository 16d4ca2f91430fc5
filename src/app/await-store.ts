import { SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { stayAlive } from '../base/stay-alive.ts';
import type { System } from '../base/system.ts';
import type { Store } from '../store/store.ts';

/** Milliseconds that a start waits for the store: as long as a database takes to start beside us. */
export const STORE_PATIENCE = 10_000;
const TRY_AGAIN_AFTER = 500;

export interface StoreWish {
  /** Milliseconds; 0 where something is in force already that is better than nothing. */
  readonly patience: number;
  /** Whether there is something to do without it: ports answer and say what is missing, and it is tried again. */
  readonly goesOnWithout: boolean;
}

/**
 * Resolves once the store answers. When everything is started at once, after a power cut say, it may be late, and is
 * waited for: certificates may be in it, and a self-signed one in their place helps nobody.
 * @throws SidecarError what the store says: when it will not pass by itself, or not soon enough
 */
export async function awaitStore(
  store: Pick<Store, 'list'>,
  wish: StoreWish,
  deps: { readonly system: System; readonly log: Log },
): Promise<void> {
  // Between two tries nothing else might.
  const letGo = stayAlive();
  try {
    await askUntilAnswered(store, wish, deps);
  } finally {
    letGo();
  }
}

async function askUntilAnswered(
  store: Pick<Store, 'list'>,
  { patience, goesOnWithout }: StoreWish,
  { system, log }: { readonly system: System; readonly log: Log },
): Promise<void> {
  const began = system.monotonic();
  for (let tries = 1; ; tries += 1) {
    const failure = await ask(store);
    if (failure === undefined) {
      if (tries > 1) log.info({}, 'The store answers; the start goes on.');
      return;
    }
    const tooLate = system.monotonic() - began >= patience;
    if (failure.retryAfter === undefined || (tooLate && !goesOnWithout)) throw failure;
    const fields = failure.hint === undefined ? {} : { hint: failure.hint };
    if (tooLate) {
      const what = 'The certificates in the store cannot be served before it is back, and none is ordered until then.';
      log.error(fields, `${what} ${failure.message}`);
      return;
    }
    if (tries === 1) log.warn(fields, `Nothing is served yet: the store is waited for. ${failure.message}`);
    await new Promise<void>((resolve) => {
      system.setTimer(TRY_AGAIN_AFTER, resolve);
    });
  }
}

async function ask(store: Pick<Store, 'list'>): Promise<SidecarError | undefined> {
  try {
    await store.list('acme/');
    return undefined;
  } catch (error) {
    if (error instanceof SidecarError) return error;
    throw error;
  }
}
