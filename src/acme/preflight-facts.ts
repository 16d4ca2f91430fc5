import type { CaaRecord } from './caa.ts';
import type { ChallengeType } from './solver.ts';

/** What a name resolves to; `none`: DNS says that there is nothing; `failed`: DNS gave no answer. */
export type AddressFact =
  | { readonly kind: 'found'; readonly addresses: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly why: string };

/** The CAA records that count for a name, found by climbing the tree (RFC 8659, 3), and the name that has them. */
export type CaaFact =
  | { readonly kind: 'found'; readonly records: readonly CaaRecord[]; readonly at: string }
  | { readonly kind: 'failed'; readonly why: string };

/**
 * How asking ourselves through the public name went: `ours` came with our token, `foreign` is somebody else's answer,
 * `failed` none. `skipped` where it makes no sense (a wildcard).
 */
export type LoopBackFact =
  | { readonly kind: 'ours' }
  | { readonly kind: 'foreign'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'skipped' };

export interface NameFacts {
  /** As in the certificate, `*.` included. */
  readonly name: string;
  /** Undefined for an address. */
  readonly a: AddressFact | undefined;
  readonly aaaa: AddressFact | undefined;
  readonly caa: CaaFact | undefined;
  readonly loopBack: LoopBackFact;
  /** The challenges that can be met for it, preferred first, and why these. */
  readonly challenges: { readonly types: readonly ChallengeType[]; readonly why: string };
}

/** What was found out before the first order of a set of names. */
export interface PreflightFacts {
  readonly names: readonly NameFacts[];
  /** That the order is to ask for; undefined for the CA's own choice. */
  readonly profile: string | undefined;
  readonly ca: {
    /** For messages. */
    readonly name: string;
    /** A CA of the public web, which signs for public names and addresses only. */
    readonly isPublic: boolean;
    /** Nothing it signs is trusted; what is wrong here costs little. */
    readonly isStaging: boolean;
    /** There is a staging CA to ask instead of it. */
    readonly hasStaging: boolean;
    /** `caaIdentities` of its directory. */
    readonly caaIdentities: readonly string[];
    /** That its directory offers; empty where it has none, or nobody knows. */
    readonly profiles: readonly string[];
    /** Of ours there, as the store has it; undefined where there is none yet. */
    readonly accountUrl: string | undefined;
    /** Milliseconds that our clock is ahead of the CA's (its Date header); undefined where it was not asked. */
    readonly clockAhead: number | undefined;
  };
  readonly store: {
    /** For messages: its folder, or what it is. */
    readonly name: string;
    /** Undefined where a value was written and read back; else why not. */
    readonly unwritable: string | undefined;
    readonly inContainer: boolean;
    /** Something mounted is below it (or it is elsewhere); undefined where that cannot be told. */
    readonly onVolume: boolean | undefined;
    /** A marker that an earlier start left was found, so it does survive. */
    readonly markerFound: boolean;
  };
}
