import type { CaPlan, PlannedCa } from './ca-plan.ts';
import { type CaCandidate, chooseCa } from './choose-ca.ts';
import type { Ledger, LedgerOrder } from './ledger.ts';
import { viewTries } from './ledger-views.ts';
import { mayAttempt, mayGoOn } from './may-attempt.ts';
import type { NameSet } from './names.ts';
import { decideRehearsal } from './rehearsal.ts';
import type { RenewalNeed, Validity } from './renewal.ts';

export interface AttemptFacts {
  readonly set: NameSet;
  /** The certificate in use; undefined where there is none from a real CA. */
  readonly certificate: Validity | undefined;
  /** The ARI id of that certificate, where the new one will replace it. */
  readonly replaces: string | undefined;
  readonly need: RenewalNeed;
  readonly ledger: Ledger;
  readonly cas: CaPlan;
  /** The account's URL at each CA, by its folder; '' where there is none yet. */
  accountAt(ca: PlannedCa): string;
  /** What a real CA gives would be lost with the container: only staging may be asked. */
  readonly stagingOnly: boolean;
  /** An order for the set that was left in the middle and can be gone on with. */
  readonly left?: LedgerOrder | undefined;
}

/** What to do now about a set of names that needs a certificate. */
export type AttemptPlan =
  | {
      readonly do: 'order';
      readonly ca: PlannedCa;
      readonly rehearsal: boolean;
      /** The order to go on with, instead of making one. */
      readonly resume?: LedgerOrder;
      readonly why: string;
    }
  | { readonly do: 'wait'; readonly at: number; readonly why: string; readonly isPaced?: boolean };

/** Which CA is asked, and whether now: the CA's health, a rehearsal after failures, waits and limits, in this order. */
export function planAttempt(facts: AttemptFacts, now: number): AttemptPlan {
  const { set, ledger, cas, certificate, left } = facts;
  const ask = (ca: PlannedCa) => (left?.ca === ca.folder ? mayGoOn(ledger, left, now) : askForOrder(ca));
  const askForOrder = (ca: PlannedCa) =>
    mayAttempt(
      ledger,
      {
        ca: ca.folder,
        account: facts.accountAt(ca),
        set: set.id,
        names: set.names,
        need: facts.need,
        replaces: ca === cas.staging ? undefined : facts.replaces,
      },
      now,
      ca.limits,
    );
  if (facts.stagingOnly && cas.staging !== undefined) {
    const decision = ask(cas.staging);
    return decision.do === 'wait'
      ? { ...decision, do: 'wait' }
      : {
          do: 'order',
          ca: cas.staging,
          rehearsal: false,
          why: 'The store does not survive this container, so only staging is asked.',
        };
  }
  const candidates = cas.production.map(
    (ca): CaCandidate => ({ ca: ca.folder, tries: viewTries(ledger, set.id, ca.folder), notBefore: ask(ca).at }),
  );
  const choice = chooseCa([candidates[0]!, ...candidates.slice(1)], certificate, now);
  const chosen = cas.production.find((ca) => ca.folder === choice.ca) ?? cas.production[0];
  const production = ask(chosen);
  if (production.do === 'wait') return { ...production, do: 'wait' };
  if (left?.ca === chosen.folder) {
    return { do: 'order', ca: chosen, rehearsal: false, resume: left, why: production.why };
  }
  const staging = chosen === cas.production[0] ? cas.staging : undefined;
  const rehearsal = decideRehearsal(
    {
      production: viewTries(ledger, set.id, chosen.folder),
      staging: staging === undefined ? undefined : viewTries(ledger, set.id, staging.folder),
      expires: certificate?.notAfter,
    },
    now,
  );
  if (!rehearsal.rehearse || staging === undefined)
    return { do: 'order', ca: chosen, rehearsal: false, why: `${choice.why} ${rehearsal.why}` };
  const rehearsing = ask(staging);
  if (rehearsing.do === 'order') return { do: 'order', ca: staging, rehearsal: true, why: rehearsal.why };
  return {
    do: 'wait',
    at: Math.min(rehearsing.at, rehearsal.productionAt ?? Number.POSITIVE_INFINITY),
    why: rehearsing.why,
  };
}
