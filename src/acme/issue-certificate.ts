import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Ca } from './ca.ts';
import type { KeyType } from './certificate-key.ts';
import { finalizeOrder, type Issued } from './finalize-order.ts';
import { IssuanceFailed, type NameFailure } from './issuance-failed.ts';
import { identifierOf, type Order } from './order.ts';
import { retryTransient } from './patience.ts';
import { AcmeProblem } from './problem.ts';
import { type Proof, proveControl } from './prove-control.ts';
import type { ChallengeType, Solver } from './solver.ts';

/** Names of one order that are proved at the same time. */
const LANES = 10;

export interface IssueRequest {
  /** DNS names, wildcards (`*.example.com`) and addresses; at least one. */
  readonly names: readonly string[];
  /** One of the CA's profiles. */
  readonly profile?: string | undefined;
  /** The ARI id of the certificate that the new one replaces. */
  readonly replaces?: string | undefined;
  readonly keyType: KeyType;
  /** The best first. Types without a solver are left out. */
  readonly challengeOrder: readonly ChallengeType[];
  /** An order that was made before, to go on with instead of making one; and its key (PEM), where that is known. */
  readonly resume?: { readonly order: Order; readonly keyPem: string | undefined } | undefined;
}

export interface IssueDeps {
  readonly ca: Ca;
  readonly solvers: ReadonlyMap<ChallengeType, Solver>;
  readonly system: System;
  readonly log: Log;
  /**
   * Called before each order, to count it or, by rejecting, to forbid it; with the names that the CA saw fail in the
   * order before it, of the same issuance.
   */
  readonly beforeOrder?: ((failedNames: readonly string[]) => Promise<void>) | undefined;
  /** Called with the new private key (PEM) before the CA is asked to sign for it. */
  readonly keepKey?: ((keyPem: string) => Promise<void>) | undefined;
}

export interface IssuedCertificate extends Issued {
  readonly orderUrl: string;
  /** What showed control in this issuance, each once; empty when the CA still remembered all names. */
  readonly challengeTypes: readonly ChallengeType[];
  /** By which challenge each name was proved; a name that the CA still remembered is not in it. */
  readonly proved: readonly { readonly name: string; readonly type: ChallengeType }[];
  /** What was tried in vain on the way, oldest first. */
  readonly failures: readonly NameFailure[];
  /** How many orders were made, this one included. */
  readonly orders: number;
}

/**
 * One issuance, from nothing to a checked certificate with a new key. A challenge that the CA saw fail spends its
 * authorization and so the order: the next order tries the next type for that name, each type once. Rejects with
 * IssuanceFailed when a name cannot be proved, with an AcmeProblem when the CA refuses or fails, with what `beforeOrder`
 * or `keepKey` rejects with, or with the signal's reason. Whatever was presented has been cleaned up by then.
 */
export async function issueCertificate(
  request: IssueRequest,
  deps: IssueDeps,
  signal: AbortSignal,
): Promise<IssuedCertificate> {
  const { ca, log } = deps;
  const names = [...new Set(request.names.map((name) => identifierOf(name).value))];
  const wanted = request.challengeOrder.filter((type) => deps.solvers.has(type));
  const failed = new Map<string, Set<ChallengeType>>(names.map((name) => [name, new Set()]));
  const failures: NameFailure[] = [];
  const proved = new Map<string, ChallengeType>();
  let { replaces } = request;
  let lastFailed: readonly string[] = [];

  async function order(): Promise<Order> {
    await deps.beforeOrder?.(lastFailed);
    const identifiers = names.map(identifierOf);
    try {
      return await ca.newOrder({ identifiers, profile: request.profile, replaces }, signal);
    } catch (error) {
      if (replaces === undefined || !isAboutReplaces(error)) throw error;
      // The exemption from the CA's limits is lost, the renewal is not (RFC 9773 section 5).
      log.warn({ replaces, err: error }, `Ordering again without saying what is replaced. ${error.message}`);
      replaces = undefined;
      return ca.newOrder({ identifiers, profile: request.profile }, signal);
    }
  }

  let { resume } = request;
  for (let orders = 1; ; orders++) {
    const made = resume?.order ?? (await order());
    const what = resume === undefined ? 'Ordered a certificate' : 'Going on with an earlier order';
    log.info({ order: made.url, names, profile: made.profile }, `${what} for ${names.join(', ')}.`);
    const isProved = ['ready', 'processing', 'valid'].includes(made.status);
    const proofs = isProved ? [] : await proveAll(made, wanted, failed, deps, signal);
    for (const proof of proofs) {
      failures.push(...proof.failures);
      for (const { challenge } of proof.failures) if (challenge !== undefined) failed.get(proof.name)?.add(challenge);
      if (proof.type !== undefined) proved.set(proof.name, proof.type);
    }
    const unproved = proofs.filter(({ proved }) => !proved);
    if (unproved.length === 0) {
      const wish = { names, keyType: request.keyType, keyPem: resume?.keyPem };
      const issued = await finalizeOrder(made, wish, deps, signal);
      log.info({ order: made.url, names }, `Got a certificate for ${names.join(', ')}.`);
      return {
        ...issued,
        orderUrl: made.url,
        challengeTypes: [...new Set(proved.values())],
        proved: [...proved].map(([name, type]) => ({ name, type })),
        failures,
        orders,
      };
    }
    if (orders >= wanted.length || !unproved.every(({ another }) => another)) {
      throw new IssuanceFailed(failures.filter(({ name }) => unproved.some((proof) => proof.name === name)));
    }
    lastFailed = unproved.map(({ name }) => name);
    resume = undefined;
  }
}

/** Proves the names of an order, several at a time. What one name fails at is no reason to leave the others. */
async function proveAll(
  order: Order,
  wanted: readonly ChallengeType[],
  failed: ReadonlyMap<string, ReadonlySet<ChallengeType>>,
  deps: IssueDeps,
  signal: AbortSignal,
): Promise<readonly Proof[]> {
  const { ca, system } = deps;
  const urls = [...order.authorizations];
  const proofs: Proof[] = [];
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);

  async function work(): Promise<void> {
    for (let url = urls.shift(); url !== undefined; url = urls.shift()) {
      const at = url;
      const authorization = await retryTransient(() => ca.readAuthorization(at, either), system, either);
      const name = `${authorization.wildcard ? '*.' : ''}${authorization.identifier.value}`;
      proofs.push(await proveControl(authorization, wanted, failed.get(name) ?? new Set(), deps, either));
    }
  }
  const lanes = Array.from({ length: Math.min(LANES, urls.length) }, async () => {
    try {
      await work();
    } catch (error) {
      // The CA fails: the other lanes need not find that out one by one.
      stop.abort(error);
      throw error;
    }
  });
  // All of them, so that everything has been cleaned up.
  await Promise.allSettled(lanes);
  signal.throwIfAborted();
  stop.signal.throwIfAborted();
  return proofs;
}

/** Whether a CA would not have the order because of what it says it replaces: done already, or not ours, or unknown. */
function isAboutReplaces(error: unknown): error is AcmeProblem {
  if (!(error instanceof AcmeProblem)) return false;
  const { type, status } = error.problem;
  return (
    type === 'alreadyReplaced' || type === 'malformed' || type === 'unauthorized' || status === 404 || status === 409
  );
}
