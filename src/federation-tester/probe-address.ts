import { isIPv6 } from 'node:net';
import type { HttpsOutcome } from '../base/https-exchange.ts';
import { isPublicAddress } from '../base/public-address.ts';
import type { System } from '../base/system.ts';
import { whyNotPublic } from '../discovery/refuse-private.ts';
import type { Resolution } from '../discovery/resolution.ts';
import { signRequest } from '../matrix/x-matrix.ts';
import type { AddressFacts, HoldAnswer, SignedAnswers } from './facts.ts';
import type { Identity } from './identity.ts';
import type { LargeTransaction } from './large-transaction.ts';
import { TARGETS } from './probe-targets.ts';
import { readAnswer, readHeader } from './read-answer.ts';
import { readCertificates } from './read-certificates.ts';
import { readKeys } from './read-keys.ts';
import type { Question, TestBudget } from './test-budget.ts';

/** Bytes; documents of an honest homeserver have some hundreds. What is judged again and again has to be short. */
export const MAX_KEYS = 64 * 1024;
const MAX_ANSWER = 16 * 1024;

/** What all addresses of a test have in common. */
export interface ProbePlan {
  readonly resolution: Resolution;
  readonly system: System;
  readonly budget: TestBudget;
  readonly allowPrivate: boolean;
  readonly identity: Identity | undefined;
  /** Which addresses are sent the large transaction: one of each family, since it is large. */
  readonly large: {
    readonly transaction: LargeTransaction;
    readonly to: ReadonlySet<Place>;
    readonly patience: number;
  };
  /** An endpoint that is known to take its time, and how long. */
  readonly hold: { readonly target: string; readonly ms: number } | undefined;
}

/** One address of one destination. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly address: string;
}

/** Asks one address everything. Never rejects but with the reason of the caller's signal. */
export async function probeAddress(place: Place, plan: ProbePlan): Promise<AddressFacts> {
  const { budget, resolution, system } = plan;
  const refused = plan.allowPrivate ? undefined : whyNotPublic(place.address);
  const about = { ...NOTHING, ...place, private: !isPublicAddress(place.address), refused };
  if (refused !== undefined) return about;
  const ask = (target: string, more: Partial<Question> = {}): Promise<HttpsOutcome | undefined> =>
    budget.ask({
      address: place.address,
      port: place.port,
      certificateName: resolution.certificateName,
      host: resolution.hostHeader,
      target,
      maxBody: MAX_ANSWER,
      ...more,
    });
  const keys = await ask(TARGETS.keys, { maxBody: MAX_KEYS });
  const skew = measureSkew(keys, system.now());
  if (keys?.tls === undefined) return { ...about, keys, skew };
  const [version, unknown, plain, escaped] = await Promise.all(
    [TARGETS.version, TARGETS.unknown, TARGETS.plain, TARGETS.escaped].map((target) => ask(target)),
  );
  // Whoever does not have the keys of this server is somebody else: he gets nothing signed, and nothing large.
  const itself = readKeys(keys, resolution.serverName.text)?.serverName === resolution.serverName.text;
  const [signed, hold] = await Promise.all([
    itself ? askSigned(ask, plan) : undefined,
    itself ? askHold(ask, plan) : undefined,
  ]);
  return {
    ...about,
    tls: keys.tls,
    certificates: readCertificates(keys.tls.chain),
    keys,
    skew,
    version,
    unknown,
    unsigned: { plain, escaped },
    signed,
    body: itself ? await askLarge(ask, place, plan, signed) : undefined,
    hold,
  };
}

const NOTHING = {
  tls: undefined,
  certificates: [],
  keys: undefined,
  skew: undefined,
  version: undefined,
  unknown: undefined,
  unsigned: { plain: undefined, escaped: undefined },
  signed: undefined,
  body: undefined,
  hold: undefined,
} as const;

type Ask = (target: string, more?: Partial<Question>) => Promise<HttpsOutcome | undefined>;

/** Date has whole seconds, and was written somewhere on the way of the answer, or when a cache got it (RFC 9111, Age). */
function measureSkew(outcome: HttpsOutcome | undefined, now: number): number | undefined {
  const date = outcome === undefined ? undefined : readHeader(outcome, 'date');
  const time = date === undefined ? Number.NaN : Date.parse(date);
  const age = outcome === undefined ? undefined : readHeader(outcome, 'age');
  const cached = /^\d{1,9}$/.test(age ?? '') ? Number(age) * 1000 : 0;
  return Number.isNaN(time) ? undefined : time + cached - now;
}

async function askSigned(ask: Ask, { identity, resolution }: ProbePlan): Promise<SignedAnswers | undefined> {
  if (identity === undefined) return undefined;
  const authorize = (header: string): Partial<Question> => ({ headers: [['Authorization', header]] });
  const sign = (uri: string): Partial<Question> => {
    const [origin, destination] = [identity.serverName.text, resolution.serverName.text];
    return authorize(signRequest({ method: 'GET', uri, origin, destination }, identity.key));
  };
  // The first one makes the server fetch our keys; the others need not wait for that.
  const plain = await ask(TARGETS.plain, sign(TARGETS.plain));
  const accepted = readAnswer(plain) === 'accepted';
  const [escaped, slashes, malformed] = await Promise.all([
    accepted ? ask(TARGETS.escaped, sign(TARGETS.escaped)) : undefined,
    accepted ? ask(TARGETS.slashes, sign(TARGETS.slashes)) : undefined,
    readAnswer(plain) === 'refused' ? ask(TARGETS.plain, authorize('X-Matrix none')) : undefined,
  ]);
  return { plain, escaped, slashes, malformed, keyFetches: identity.keyFetches() };
}

async function askLarge(
  ask: Ask,
  place: Place,
  { large }: ProbePlan,
  signed: SignedAnswers | undefined,
): Promise<HttpsOutcome | undefined> {
  if (!large.to.has(place)) return undefined;
  const { transaction, patience } = large;
  const authorization = readAnswer(signed?.plain) === 'accepted' ? transaction.sign() : undefined;
  return ask(transaction.target, {
    method: 'PUT',
    headers: [
      ['Content-Type', 'application/json'],
      ...(authorization === undefined ? [] : [['Authorization', authorization] as const]),
    ],
    body: transaction.body(),
    patience,
  });
}

async function askHold(ask: Ask, { hold }: ProbePlan): Promise<HoldAnswer | undefined> {
  if (hold === undefined) return undefined;
  const outcome = await ask(hold.target, { patience: hold.ms + 10_000 });
  return outcome === undefined ? undefined : { asked: hold.ms, outcome };
}

/** The first address of each family. */
export function onePerFamily(places: readonly Place[]): ReadonlySet<Place> {
  const firsts = [places.find(({ address }) => !isIPv6(address)), places.find(({ address }) => isIPv6(address))];
  return new Set(firsts.filter((place) => place !== undefined));
}
