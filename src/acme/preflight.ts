import { isIP } from 'node:net';
import { CLOCK_TOLERANCE, describeClock } from './ca-clock.ts';
import { decideCaa } from './caa.ts';
import { readIdentifier } from './names.ts';
import type { NameFacts, PreflightFacts } from './preflight-facts.ts';
import { whyNotPublic } from './public-name.ts';
import type { ChallengeType } from './solver.ts';

/** Something that was found: `advice` may cost the order, `veto` certainly would, or worse. */
export interface PreflightFinding {
  /** Stable, kebab-case. */
  readonly id: string;
  readonly level: 'advice' | 'veto';
  /** The name it is about; undefined where it is about the whole. */
  readonly name: string | undefined;
  readonly what: string;
  readonly fix: string;
}

/** Whether to order: `order` nothing is in the way, `advice` order and say what was found, `veto` do not. */
export interface PreflightVerdict {
  readonly do: 'order' | 'advice' | 'veto';
  /** Order from the CA's staging until this is mended: what a real CA gave would be lost with the container. */
  readonly stagingOnly: boolean;
  /** The challenges to try for each name, without those that CAA records forbid. */
  readonly challenges: ReadonlyMap<string, readonly ChallengeType[]>;
  readonly findings: readonly PreflightFinding[];
  readonly why: string;
}

/** Judges what was found out before the first order of a set of names: never an order that is bound to fail. */
export function judgePreflight(facts: PreflightFacts): PreflightVerdict {
  const challenges = new Map<string, readonly ChallengeType[]>();
  const findings = [...judgeStore(facts), ...judgeClock(facts), ...judgeProfile(facts)];
  for (const name of facts.names) {
    const caa = judgeCaa(name, facts);
    challenges.set(name.name, caa.methods);
    findings.push(...judgeName(name, facts), ...caa.findings, ...judgeLoopBack(name));
  }
  const stagingOnly = isLost(facts);
  const vetoes = findings.filter(({ level }) => level === 'veto');
  const names = facts.names.map(({ name }) => name).join(', ');
  if (vetoes.length > 0) {
    const why = `No order for ${names}, because it would fail: ${vetoes.map(({ what }) => what).join(' ')}`;
    return { do: 'veto', stagingOnly, challenges, findings, why };
  }
  if (findings.length > 0) {
    const why = `An order for ${names} may fail: ${findings.map(({ what }) => what).join(' ')}`;
    return { do: 'advice', stagingOnly, challenges, findings, why };
  }
  return { do: 'order', stagingOnly, challenges, findings, why: `Nothing stands in the way of an order for ${names}.` };
}

function isLost({ store }: PreflightFacts): boolean {
  return store.inContainer && !store.markerFound && store.onVolume === false;
}

function judgeStore(facts: PreflightFacts): PreflightFinding[] {
  const { name, unwritable, inContainer, markerFound, onVolume } = facts.store;
  if (unwritable !== undefined) {
    const what = `The store ${name} cannot be written, so a certificate would be lost as soon as it came: ${unwritable}`;
    return [
      finding(
        'store-not-writable',
        'veto',
        undefined,
        what,
        'Make the store writable for the user that runs the sidecar.',
      ),
    ];
  }
  if (!inContainer || markerFound || onVolume === true) return [];
  const fix = `Mount a volume at ${name} (volumes: in compose.yaml), or set a store that is elsewhere (postgres://...).`;
  const what = isLost(facts)
    ? `The store ${name} is inside the container and is lost with it: every new container would order again until the CA refuses.${facts.ca.hasStaging ? ' Until that is mended, certificates come from staging and nobody trusts them.' : ''}`
    : `Whether the store ${name} survives this container cannot be told.`;
  return [finding(isLost(facts) ? 'store-lost-with-container' : 'store-may-be-lost', 'advice', undefined, what, fix)];
}

function judgeClock({ ca }: PreflightFacts): PreflightFinding[] {
  const ahead = ca.clockAhead ?? 0;
  if (Math.abs(ahead) < CLOCK_TOLERANCE) return [];
  // No veto: what is decided is decided by the CA's clock, and a wrong one here must not cost the certificate.
  const { what, fix } = describeClock(ahead);
  return [finding('clock-wrong', 'advice', undefined, what, fix)];
}

/** A CA that has profiles refuses orders for any other (draft-aaron-acme-profiles section 4). */
function judgeProfile({ ca, profile }: PreflightFacts): PreflightFinding[] {
  if (profile === undefined || ca.profiles.length === 0 || ca.profiles.includes(profile)) return [];
  const what = `${ca.name} does not offer the profile ${profile}.`;
  const fix = `Choose one that it does (${ca.profiles.join(', ')}), none, or another CA; certificates for addresses need shortlived.`;
  return [finding('profile-not-offered', 'veto', undefined, what, fix)];
}

function judgeName(facts: NameFacts, { ca }: PreflightFacts): PreflightFinding[] {
  const { name, challenges, a, aaaa } = facts;
  const { identifier } = readIdentifier(name);
  const notPublic = ca.isPublic ? whyNotPublic(identifier) : undefined;
  if (notPublic !== undefined) {
    const fix = 'Use a public name, or a CA of your own (acme.directory and acme.ca_file), or certificates: local.';
    return [finding('name-not-public', 'veto', name, `${ca.name} cannot sign for ${name}: ${notPublic}.`, fix)];
  }
  if (challenges.types.length === 0) {
    const fix = 'Open the listener that one of the challenges needs, or switch on another one in acme.challenges.';
    return [finding('no-challenge-possible', 'veto', name, challenges.why, fix)];
  }
  // Over DNS the name itself need not lead anywhere.
  const needsAddress = challenges.types.every((type) => type === 'http-01' || type === 'tls-alpn-01');
  if (identifier.type === 'ip' || !needsAddress) return [];
  const answers = [a, aaaa].filter((answer) => answer !== undefined);
  if (answers.some((answer) => answer.kind === 'found')) return judgeAddresses(facts, ca.isPublic);
  const failed = answers.find((answer) => answer.kind === 'failed');
  const fix = `Publish an A or AAAA record for ${name} with this machine's public address.`;
  if (failed !== undefined) {
    const what = `${name} could not be looked up (${failed.why}).`;
    return [
      finding(
        'name-lookup-failed',
        'advice',
        name,
        what,
        "Check the domain's name servers, and this machine's resolver.",
      ),
    ];
  }
  return [finding('name-does-not-resolve', 'veto', name, `${name} has neither an A nor an AAAA record.`, fix)];
}

/** Addresses that only a resolver inside gives are no proof that the name leads nowhere outside. */
function judgeAddresses({ name, a, aaaa }: NameFacts, isPublic: boolean): PreflightFinding[] {
  if (!isPublic) return [];
  const addresses = [a, aaaa].flatMap((answer) => (answer?.kind === 'found' ? answer.addresses : []));
  const hidden = addresses.filter((address) => isIP(address) !== 0 && whyNotPublic({ type: 'ip', value: address }));
  if (hidden.length === 0) return [];
  const what = `${name} resolves to ${hidden.join(', ')} here, which the CA cannot reach.`;
  const fix = 'Check that the name resolves to a public address outside of this network.';
  return [finding('name-resolves-to-private-address', 'advice', name, what, fix)];
}

function judgeCaa(
  facts: NameFacts,
  { ca }: PreflightFacts,
): { methods: readonly ChallengeType[]; findings: PreflightFinding[] } {
  const { name, caa } = facts;
  const methods = facts.challenges.types;
  if (caa === undefined) return { methods, findings: [] };
  if (caa.kind === 'failed') {
    const what = `The CAA records of ${name} could not be looked up (${caa.why}); a CA that cannot either does not sign.`;
    const fix = "Check that the domain's name servers answer questions for CAA records.";
    return { methods, findings: [finding('caa-lookup-failed', 'advice', name, what, fix)] };
  }
  const { wildcard } = readIdentifier(name);
  // A CA that names no identity of its own does not look at CAA records, or not in a way that could be foretold.
  if (ca.caaIdentities.length === 0) return { methods, findings: [] };
  const request = { issuers: ca.caaIdentities, wildcard, accountUrl: ca.accountUrl, methods };
  const decision = decideCaa(caa.records, request);
  if (decision.permitted || methods.length === 0) return { methods: decision.methods, findings: [] };
  const [issuer] = ca.caaIdentities;
  const narrower =
    ca.accountUrl === undefined ? '' : ` (or, for this account only, "${issuer}; accounturi=${ca.accountUrl}")`;
  const fix = `At ${caa.at}, publish: CAA 0 ${wildcard ? 'issuewild' : 'issue'} "${issuer}"${narrower}.`;
  return { methods: [], findings: [finding('caa-forbids', 'veto', name, `${name}: ${decision.why}`, fix)] };
}

function judgeLoopBack({ name, loopBack }: NameFacts): PreflightFinding[] {
  if (loopBack.kind === 'ours' || loopBack.kind === 'skipped') return [];
  const foreign = loopBack.kind === 'foreign';
  const what = foreign
    ? `Something else than this sidecar answers at ${name} (${loopBack.why}).`
    : `This sidecar does not reach itself at ${name} (${loopBack.why}).`;
  const fix = foreign
    ? `Check where ${name} leads, over IPv4 and IPv6.`
    : 'Behind a router that does not send its own public address back inside this means nothing; else check port forwarding and firewall.';
  return [finding(foreign ? 'loop-back-foreign' : 'loop-back-failed', 'advice', name, what, fix)];
}

function finding(
  id: string,
  level: PreflightFinding['level'],
  name: string | undefined,
  what: string,
  fix: string,
): PreflightFinding {
  return { id, level, name, what, fix };
}
