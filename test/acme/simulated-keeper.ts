import { chooseCa } from '../../src/acme/choose-ca.ts';
import { emptyLedger, type Ledger, parseLedger, serialiseLedger } from '../../src/acme/ledger.ts';
import { viewTries, viewUnresolved } from '../../src/acme/ledger-views.ts';
import { mayOrder } from '../../src/acme/limits.ts';
import { mayAttempt } from '../../src/acme/may-attempt.ts';
import {
  recordAbandoned,
  recordFailure,
  recordLost,
  recordOrder,
  recordOrderUrl,
  recordSuccess,
  recordTakeover,
} from '../../src/acme/record-order.ts';
import { decideRehearsal } from '../../src/acme/rehearsal.ts';
import {
  decideRenewal,
  nextAriCheck,
  type RenewalInfo,
  type RenewalNeed,
  type Validity,
} from '../../src/acme/renewal.ts';
import { key, MINUTE } from './ledger-facts.ts';
import { type SimulatedCa, type Span, within } from './simulated-world.ts';

/** What survives a restart. */
interface Stored {
  ledger: Ledger;
  certificate: (Validity & { readonly id: string; readonly ca: string }) | undefined;
  ari: RenewalInfo | undefined;
  nextAriCheck: number;
  ariFailures: number;
}

export interface World {
  /** The first that is used; then those for when it fails. */
  readonly cas: readonly { readonly name: string; readonly ca: SimulatedCa }[];
  readonly staging: SimulatedCa | undefined;
  readonly hasAri: boolean;
  /** When the names did not lead here. */
  readonly unprovable: readonly Span[];
  /** When the CA wants every certificate that it gave before replaced. */
  readonly revocations: readonly number[];
  /** Whether the CA wants every certificate replaced at once, always. */
  readonly eager: boolean;
  /** The part of orders in which the process is killed. */
  readonly killed: number;
  readonly random: () => number;
}

/** One certificate's end: the instant from which it was due, when the next was there, and when it expired. */
export interface Renewal {
  readonly due: number;
  readonly renewed: number;
  readonly expired: number;
}

export class Killed extends Error {}

/** A keeper that does what the decisions say and nothing else; every instant comes from outside. */
export class SimulatedKeeper {
  readonly stored: Stored = {
    ...{ ledger: emptyLedger(), certificate: undefined, ari: undefined },
    ...{ nextAriCheck: 0, ariFailures: 0 },
  };
  readonly renewals: Renewal[] = [];
  /** The instant from which the certificate was due, once it is. */
  private due: number | undefined;
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** What a new process does first: it reads what the old one left. */
  start(now: number): void {
    const { ledger, note } = parseLedger(serialiseLedger(this.stored.ledger), now);
    if (note !== undefined) throw new Error(note);
    this.stored.ledger = recordTakeover(ledger, now).ledger;
  }

  /** Asks the CA how orders ended that an earlier process left. Whether some remain to be asked about. */
  private resolve(now: number): boolean {
    for (const { id, ca: name, at } of viewUnresolved(this.stored.ledger)) {
      const ca = name === 'staging' ? this.world.staging! : this.world.cas.find((one) => one.name === name)!.ca;
      if (within(ca.outages, now)) continue;
      const ledger = this.stored.ledger;
      const failed = ca.failed.includes(at) ? key().names : [];
      this.stored.ledger = ca.issued.includes(at)
        ? recordLost(ledger, id, now)
        : recordAbandoned(ledger, id, now, failed);
    }
    return viewUnresolved(this.stored.ledger).length > 0;
  }

  /** Does what is to be done now; gives the instant at which to be called again. Throws Killed where the process dies. */
  wake(now: number): number {
    const { stored, world } = this;
    if (stored.certificate !== undefined && world.hasAri && stored.nextAriCheck <= now) this.askForAdvice(now);
    const { certificate } = stored;
    const checkAt = certificate !== undefined && world.hasAri ? stored.nextAriCheck : Infinity;
    let reviewAt = Infinity;
    let need: RenewalNeed = 'due';
    if (certificate !== undefined) {
      const decision = decideRenewal({ certificate, ari: stored.ari }, now, world.random);
      if (decision.chosen !== undefined && stored.ari !== undefined)
        stored.ari = { ...stored.ari, chosen: decision.chosen };
      if (!decision.renew) return Math.min(decision.at, checkAt);
      need = decision.need;
      reviewAt = decision.needGrowsAt ?? Infinity;
      // What a CA advises early and often is paced by us; that certificate is due when its lifetime says so.
      const paced = need === 'advised' && (world.eager || this.isRevoked(now));
      this.due ??= paced ? reviewAt : Math.max(decision.at, certificate.notBefore);
    }
    const askAgainAt = this.resolve(now) ? now + 30 * MINUTE : Infinity;
    return Math.min(this.attempt(now, need), checkAt, askAgainAt, reviewAt);
  }

  private isRevoked(now: number): boolean {
    const issued = Number(this.stored.certificate!.id);
    return this.world.revocations.some((at) => issued < at && at <= now);
  }

  private askForAdvice(now: number): void {
    const { stored, world } = this;
    const certificate = stored.certificate!;
    const { ca } = world.cas.find(({ name }) => name === certificate.ca)!;
    const window = ca.renewalInfo(now, certificate, world.eager || this.isRevoked(now));
    stored.ariFailures = window === undefined ? stored.ariFailures + 1 : 0;
    if (window !== undefined) stored.ari = { ...stored.ari, start: window.from, end: window.to };
    const answer =
      window === undefined
        ? ({ kind: 'failed', temporary: true, failures: stored.ariFailures } as const)
        : ({ kind: 'answered', retryAfter: 21_600 } as const);
    stored.nextAriCheck = nextAriCheck(answer, now).at;
  }

  private attempt(now: number, need: RenewalNeed): number {
    const { stored, world } = this;
    const ledger = this.stored.ledger;
    const replacesAt = (name: string) =>
      world.hasAri && stored.certificate?.ca === name ? stored.certificate.id : undefined;
    const candidates = world.cas.map(({ name, ca }) => {
      const permission = mayOrder(ledger, { ...key({ ca: name }), replaces: replacesAt(name), need }, now, ca.limits);
      const tries = viewTries(ledger, key().set, name);
      return { ca: name, tries, notBefore: Math.max(permission.nextAllowedAt, tries.next?.at ?? 0) };
    });
    const [first, ...others] = candidates;
    const chosen = chooseCa([first!, ...others], stored.certificate, now).ca;
    const { ca } = world.cas.find(({ name }) => name === chosen)!;
    const staging =
      world.staging === undefined || chosen !== world.cas[0]!.name
        ? undefined
        : viewTries(ledger, key().set, 'staging');
    const expires = stored.certificate?.notAfter;
    const rehearsal = decideRehearsal({ production: viewTries(ledger, key().set, chosen), staging, expires }, now);
    if (rehearsal.rehearse) {
      const decision = mayAttempt(ledger, key({ ca: 'staging' }), now, world.staging!.limits);
      if (decision.do === 'wait') return Math.min(decision.at, rehearsal.productionAt ?? Infinity);
      this.order(now, 'staging', world.staging!, undefined);
      return now + 1;
    }
    const order = { ...key({ ca: chosen }), replaces: replacesAt(chosen), need };
    const decision = mayAttempt(ledger, order, now, ca.limits);
    if (decision.do === 'wait') return decision.at;
    this.order(now, chosen, ca, order.replaces);
    return now + 1;
  }

  private order(now: number, name: string, ca: SimulatedCa, replaces: string | undefined): void {
    const { stored, world } = this;
    const order = key({ ca: name });
    const expires = stored.certificate?.notAfter;
    const killedAt = world.random() < world.killed ? Math.floor(world.random() * 4) : -1;
    const { ledger, id } = recordOrder(this.stored.ledger, { ...order, replaces, expires }, now, world.random);
    this.stored.ledger = ledger;
    if (killedAt === 0) throw new Killed();
    if (!within(ca.outages, now))
      this.stored.ledger = recordOrderUrl(this.stored.ledger, id, `https://ca.example/order/${id}`);
    if (killedAt === 1) throw new Killed();
    const answer = ca.order(now, !within(world.unprovable, now), replaces);
    if (killedAt === 2) throw new Killed();
    if (answer.problem !== undefined) {
      const failure = { ...order, order: id, problem: answer.problem, retryAfter: answer.retryAfter, expires };
      this.stored.ledger = recordFailure(this.stored.ledger, failure, now, world.random);
      return;
    }
    if (name !== 'staging') {
      if (stored.certificate !== undefined) {
        this.renewals.push({ due: this.due!, renewed: now, expired: stored.certificate.notAfter });
      }
      stored.certificate = { ...answer.certificate!, ca: name };
      stored.ari = undefined;
      stored.nextAriCheck = now;
      this.due = undefined;
    }
    if (killedAt === 3) throw new Killed();
    this.stored.ledger = recordSuccess(this.stored.ledger, { ...order, order: id }, now);
  }
}
