import { isIP } from 'node:net';
import type { DnsRecord } from './advice.ts';
import type { AcmeFacts, Challenge } from './advised-server.ts';
import { absolute, quoteText } from './zone-file.ts';

/** What decides how a name can be proved to the CA. */
export interface ProofFacts {
  /** A DNS name, or an address without brackets. */
  readonly name: string;
  /** Whether ports 80 and 443 of the name are this sidecar's. */
  readonly leadsHere: boolean;
  /** A host name of ours, in whose zone records can be written. */
  readonly ourHost: string | undefined;
  readonly listeners: { readonly https: boolean; readonly http: boolean };
  readonly acme: AcmeFacts;
}

export interface ProofDecision {
  /** The challenges that the configuration allows and that can be met. */
  readonly name: string;
  readonly possible: readonly Challenge[];
  /** Goes on after "it is proved". */
  readonly why: string;
  /** What to publish once; one of several when `alternatives` is true. */
  readonly records: readonly DnsRecord[];
  readonly alternatives: boolean;
  /** What `acme.challenges` has to be for it, where it is not so yet. */
  readonly challenges: readonly Challenge[] | undefined;
  /** What has to be known about the records. */
  readonly notes: readonly string[];
}

/** Until the CA has given us an account, nobody knows its address. */
const ACCOUNT_TO_COME = 'ACCOUNT-URL';
const TTL = 3600;

/**
 * How a name is proved, and what has to be published for it. http-01 and tls-alpn-01 ask the machine that the name leads
 * to (RFC 8555 section 8.3, RFC 8737): where that is another web server, only DNS is left.
 */
export function decideProof(facts: ProofFacts): ProofDecision {
  const { name, leadsHere, acme, listeners } = facts;
  const onPorts = acme.challenges.filter(
    (challenge) =>
      leadsHere && ((challenge === 'tls-alpn-01' && listeners.https) || (challenge === 'http-01' && listeners.http)),
  );
  const overDns = isIP(name) !== 0 ? [] : acme.challenges.filter((challenge) => challenge.startsWith('dns-'));
  const possible = acme.challenges.filter((challenge) => onPorts.includes(challenge) || overDns.includes(challenge));
  const decide = (why: string, more: Partial<ProofDecision> = {}): ProofDecision => ({
    ...{ name, possible, why, records: [], alternatives: false, challenges: undefined, notes: [] },
    ...more,
  });
  if (onPorts.length > 0) return decide(`by ${onPorts.join(' or ')}, because it leads here`);
  const because = leadsHere
    ? explainNoPort(acme.challenges)
    : `http-01 and tls-alpn-01 would ask the web server that ${name} leads to`;
  if (isIP(name) !== 0) return decide(`by nothing yet: ${because}`);
  if (overDns.includes('dns-01') && acme.dns !== undefined) {
    const alias = findAlias(facts);
    const more = alias === undefined ? {} : { records: [alias], notes: notesOnAlias(alias) };
    return decide(`by dns-01 (${acme.dns.provider}): ${because}`, more);
  }
  const records = [persistRecord(facts)];
  const notes = notesOnPersist(acme);
  if (overDns.includes('dns-persist-01')) return decide(`by dns-persist-01: ${because}`, { records, notes });
  const alias = findAlias(facts);
  if (alias !== undefined) {
    records.push(alias);
    notes.push(...notesOnAlias(alias));
  }
  return decide(`by nothing yet: ${because}, and acme.challenges has none over DNS`, {
    ...{ records, notes, alternatives: alias !== undefined, challenges: [...acme.challenges, 'dns-persist-01'] },
  });
}

function explainNoPort(challenges: readonly Challenge[]): string {
  if (challenges.every((challenge) => challenge.startsWith('dns-')))
    return `acme.challenges names only ${challenges.join(' and ')}`;
  return 'no listener for http-01 or tls-alpn-01 is allowed and open';
}

const UNKNOWN_PROVIDER: NonNullable<AcmeFacts['dns']> = {
  provider: 'a provider below acme.dns',
  zone: undefined,
  writesAt: () => undefined,
};

/** The static record of dns-persist-01 (draft-ietf-acme-dns-persist): published once, good for every renewal. */
function persistRecord({ name, acme }: ProofFacts): DnsRecord {
  const issuer = acme.issuer ?? 'ISSUER';
  const account = acme.accountUrl ?? ACCOUNT_TO_COME;
  return {
    name: absolute(`_validation-persist.${name}`),
    ttl: TTL,
    type: 'TXT',
    data: quoteText(`${issuer}; accounturi=${account}`),
    why: `lets our account at ${acme.ca} have certificates for ${name} (dns-persist-01); once, for good`,
    needed: true,
  };
}

/**
 * An alias into a zone that we can write (RFC 8555 section 8.4 lets the CA follow it), where the record's own zone is
 * somebody else's. Undefined where the provider writes at the name itself.
 */
function findAlias({ name, ourHost, acme }: ProofFacts): DnsRecord | undefined {
  const { zone, writesAt } = acme.dns ?? UNKNOWN_PROVIDER;
  const challenge = `_acme-challenge.${name}`;
  const given = writesAt(name);
  const ours = zone !== undefined ? isWithin(name, zone) : ourHost === undefined || isWithin(ourHost, name);
  if (given === undefined && ours) return undefined;
  const below = zone !== undefined && !(ourHost !== undefined && isWithin(ourHost, zone)) ? zone : (ourHost ?? name);
  return {
    name: absolute(challenge),
    ttl: TTL,
    type: 'CNAME',
    data: absolute(given ?? `${name}._acme-challenge.${below}`),
    why: `lets the sidecar prove ${name} in a zone that it can write (dns-01); once, for good`,
    needed: true,
  };
}

function isWithin(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

function notesOnPersist({ ca, issuer, accountUrl }: AcmeFacts): string[] {
  const notes: string[] = [];
  if (accountUrl === undefined)
    notes.push(
      `${ACCOUNT_TO_COME} stands for the address of our account at ${ca}, which it gives at the first order; run this again then, or read the whole record in the log (dns-persist-missing).`,
    );
  if (issuer === undefined)
    notes.push(
      `ISSUER stands for the name by which ${ca} calls itself in such records (caaIdentities in its directory).`,
    );
  notes.push(`${ca} has to offer dns-persist-01; where it does not yet, the log says so.`);
  return notes;
}

function notesOnAlias(alias: DnsRecord): string[] {
  return [`The provider below acme.dns has to be able to write TXT records at ${alias.data.slice(0, -1)}.`];
}
