import type { System } from '../base/system.ts';
import type { Status } from './status.ts';

/** Milliseconds that a page is shown again: however many ask, it is made once in each. */
const FRESH = 1_000;

/** A page, and the Content-Security-Policy under which it works. */
export interface StatusPage {
  readonly html: string;
  readonly policy: string;
}

/** The status page. Who asks at the same time, or a moment later, gets the same one. */
export function createStatusPage({
  system,
  status,
}: {
  readonly system: System;
  status(): Status | Promise<Status>;
}): () => Promise<StatusPage> {
  let last: { readonly page: Promise<StatusPage>; staleAt: number } | undefined;

  /** What draws it is loaded when it is needed: most sidecars are looked at by programs only. */
  async function make(): Promise<StatusPage> {
    const { renderStatusPage, CONTENT_SECURITY_POLICY } = await import('./page/render-status-page.ts');
    return { html: renderStatusPage(await status()), policy: CONTENT_SECURITY_POLICY };
  }

  return () => {
    if (last === undefined || system.monotonic() >= last.staleAt) {
      const began = { page: make(), staleAt: Number.POSITIVE_INFINITY };
      // Fresh from when it is known: other processes may take their time to tell.
      const known = (): void => {
        began.staleAt = system.monotonic() + FRESH;
      };
      began.page.then(known, () => {
        if (last === began) last = undefined;
      });
      last = began;
    }
    return last.page;
  };
}
