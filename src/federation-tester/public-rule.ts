import type { AddressFacts, Facts } from './facts.ts';
import { readVersion } from './judge-answers.ts';
import { isDead } from './judge-connections.ts';
import { type KeysSeen, readKeys } from './read-keys.ts';
import type { Verdict } from './verdict.ts';

/** The public tester's checks of one address, by its own names (`KeyChecks` and `ConnectionChecks`). */
export interface PublicChecks {
  readonly AllChecksOK: boolean;
  readonly MatchingServerName: boolean;
  readonly FutureValidUntilTS: boolean;
  readonly HasEd25519Key: boolean;
  /** null where there is no key. */
  readonly AllEd25519ChecksOK: boolean | null;
  readonly Ed25519Checks: Readonly<Record<string, { ValidEd25519: boolean; MatchingSignature: boolean }>>;
  readonly ValidCertificates: boolean;
}

/** Checks one address as the public tester does. `now`: milliseconds since the epoch. */
export function checkAsPublicTester(
  about: AddressFacts,
  keys: KeysSeen,
  serverName: string,
  now: number,
): PublicChecks {
  const Ed25519Checks = Object.fromEntries(
    keys.keys.map(({ id, wellFormed, signed }) => [id, { ValidEd25519: wellFormed, MatchingSignature: signed }]),
  );
  const every = keys.keys.every(({ wellFormed, signed }) => wellFormed && signed);
  const checks = {
    MatchingServerName: keys.serverName === serverName,
    FutureValidUntilTS: (keys.validUntil ?? 0) > now,
    HasEd25519Key: keys.keys.some(({ wellFormed }) => wellFormed),
    AllEd25519ChecksOK: keys.keys.length === 0 ? null : every,
    ValidCertificates: about.tls !== undefined && about.tls.untrusted === undefined,
  };
  return { AllChecksOK: Object.values(checks).every((check) => check === true), ...checks, Ed25519Checks };
}

/**
 * FederationOK by the rule of matrix-org/matrix-federation-tester: a version, at least one address, and every single
 * address reachable and in order. It is stricter than other servers are where one of several addresses is dead, and
 * blind to whatever it does not ask for.
 */
export function judgeAsPublicTester(facts: Facts, ours: boolean, now: number): Verdict['publicTester'] {
  const why = findRefusal(facts, now);
  const federationOk = why === undefined;
  if (federationOk === ours) return { federationOk, differs: undefined };
  return {
    federationOk,
    differs: federationOk
      ? 'the public tester sends no signed, odd or large requests, and looks at one well-known document only'
      : `the public tester says no because ${why}`,
  };
}

/** The first reason to say no. */
function findRefusal({ serverName, addresses, resolution, otherSrv }: Facts, now: number): string | undefined {
  if (!serverName.ok) return 'that is no server name';
  const name = serverName.value.text;
  if (addresses.length === 0) return 'there is no address';
  if (resolution?.step === '4' || resolution?.step === '3.3') {
    const old = otherSrv.find(({ name: asked }) => asked === `_matrix._tcp.${resolution.certificateName}`);
    if (old !== undefined && old.records.length === 0) return 'it knows SRV records under the name _matrix._tcp only';
  }
  if (!addresses.some((about) => readVersion(about.version) !== undefined)) return 'there is no version';
  for (const about of addresses) {
    if (isDead(about)) return `${about.address} does not answer, and it insists on every address`;
    const keys = readKeys(about.keys, name);
    if (keys === undefined || !checkAsPublicTester(about, keys, name, now).AllChecksOK) {
      return `${about.address} does not pass, and it insists on every address`;
    }
  }
  return undefined;
}
