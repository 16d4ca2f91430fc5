import { formatHostPort } from '../base/address.ts';
import type { HostLookup, SrvLookup } from '../discovery/resolution.ts';
import type { JsonObject } from '../matrix/json.ts';
import type { AddressFacts, Facts } from './facts.ts';
import { readVersion } from './judge-answers.ts';
import { checkAsPublicTester, type PublicChecks } from './public-rule.ts';
import { describeOutcome } from './read-answer.ts';
import { readKeys } from './read-keys.ts';
import type { Finding, Verdict } from './verdict.ts';

interface Message {
  readonly Message: string;
}

interface PublicCertificate {
  readonly SubjectCommonName: string;
  readonly IssuerCommonName: string;
  readonly SHA256Fingerprint: string;
  readonly DNSNames: readonly string[] | null;
}

interface PublicConnection {
  readonly Certificates: readonly PublicCertificate[];
  readonly Cipher: { readonly Version: string; readonly CipherSuite: string };
  readonly Checks: PublicChecks;
  readonly Errors: readonly Message[];
  readonly Ed25519VerifyKeys: Readonly<Record<string, string>> | null;
  readonly Info: Readonly<Record<string, never>>;
  readonly Keys: JsonObject;
}

interface PublicHost {
  readonly CName: string;
  readonly Addrs: readonly string[] | null;
  readonly Error: Message | null;
}

/**
 * What `GET /api/report` of matrix-org/matrix-federation-tester answers (ServerReport in its main.go), field for
 * field. `Findings` and `Verdict` are ours.
 */
export interface PublicReport {
  readonly Error?: string;
  readonly WellKnownResult: { readonly 'm.server': string; readonly result?: string; readonly CacheExpiresAt: number };
  readonly DNSResult: {
    readonly SRVSkipped: boolean;
    readonly SRVCName: string;
    readonly SRVRecords:
      | readonly {
          readonly Target: string;
          readonly Port: number;
          readonly Priority: number;
          readonly Weight: number;
        }[]
      | null;
    readonly SRVError: Message | null;
    readonly Hosts: Readonly<Record<string, PublicHost>>;
    readonly Addrs: readonly string[] | null;
  };
  readonly ConnectionReports: Readonly<Record<string, PublicConnection>>;
  readonly ConnectionErrors: Readonly<Record<string, Message>>;
  readonly Version: { readonly name?: string; readonly version?: string; readonly error?: string };
  /** By the public tester's own rule. */
  readonly FederationOK: boolean;
  readonly Findings: readonly Finding[];
  /** Ours, which is what counts here. */
  readonly Verdict: {
    readonly FederationOK: boolean;
    readonly FirstLine: string;
    readonly LastLine: string;
    readonly Differs?: string;
  };
}

/** The public tester's report of the same facts. `now`: milliseconds since the epoch. */
export function toPublicReport(facts: Facts, verdict: Verdict, now: number): PublicReport {
  const name = facts.serverName.ok ? facts.serverName.value.text : '';
  const reports: [string, PublicConnection][] = [];
  const errors: [string, Message][] = [];
  for (const about of facts.addresses) {
    const place = formatHostPort(about.address, about.port);
    const report = reportConnection(about, name, now);
    if (report === undefined) errors.push([place, { Message: about.refused ?? describeOutcome(about.keys) }]);
    else reports.push([place, report]);
  }
  const { differs } = verdict.publicTester;
  return {
    ...(facts.serverName.ok ? {} : { Error: `Invalid server name '${facts.asked.slice(0, 300)}'` }),
    WellKnownResult: reportWellKnown(facts),
    DNSResult: reportDns(facts),
    ConnectionReports: Object.fromEntries(reports),
    ConnectionErrors: Object.fromEntries(errors),
    Version: reportVersion(facts),
    FederationOK: verdict.publicTester.federationOk,
    Findings: verdict.findings,
    Verdict: {
      FederationOK: verdict.federationOk,
      FirstLine: verdict.firstLine,
      LastLine: verdict.lastLine,
      ...(differs === undefined ? {} : { Differs: differs }),
    },
  };
}

function reportWellKnown({ resolution, at }: Facts): PublicReport['WellKnownResult'] {
  const lookup = resolution?.wellKnown;
  if (lookup === undefined) return { 'm.server': '', result: 'No .well-known lookup was needed', CacheExpiresAt: 0 };
  const CacheExpiresAt = Math.floor((at + lookup.cacheFor) / 1000);
  if (lookup.result.ok) return { 'm.server': lookup.result.delegated.text, CacheExpiresAt };
  return { 'm.server': '', result: lookup.result.words, CacheExpiresAt: 0 };
}

function reportDns(facts: Facts): PublicReport['DNSResult'] {
  const { resolution, addresses } = facts;
  const used = resolution?.srv.find((one) => one.records.length > 0) ?? resolution?.srv.at(-1);
  const places = addresses.map(({ address, port }) => formatHostPort(address, port));
  return {
    SRVSkipped: used === undefined,
    ...reportSrv(used),
    Hosts: Object.fromEntries(
      (resolution?.destinations ?? []).map(({ host, addresses: one }) => [host, reportHost(one)]),
    ),
    Addrs: places.length === 0 ? null : places,
  };
}

function reportSrv(
  used: SrvLookup | undefined,
): Pick<PublicReport['DNSResult'], 'SRVCName' | 'SRVRecords' | 'SRVError'> {
  if (used === undefined) return { SRVCName: '', SRVRecords: null, SRVError: null };
  const found = used.records.length > 0;
  return {
    SRVCName: found ? `${used.name}.` : '',
    SRVRecords: found
      ? used.records.map(({ target, port, priority, weight }) => ({
          Target: `${target}.`,
          Port: port,
          Priority: priority,
          Weight: weight,
        }))
      : null,
    SRVError: found ? null : { Message: used.error ?? `lookup ${used.name}: no such host` },
  };
}

function reportHost({ host, cname, addresses, error }: HostLookup): PublicHost {
  const none = addresses.length === 0;
  return {
    CName: `${cname ?? host}.`,
    Addrs: none ? null : addresses,
    Error: none ? { Message: error ?? `lookup ${host}: no such host` } : null,
  };
}

function reportConnection(about: AddressFacts, name: string, now: number): PublicConnection | undefined {
  const keys = readKeys(about.keys, name);
  if (keys === undefined || about.tls === undefined) return undefined;
  const checks = checkAsPublicTester(about, keys, name, now);
  const { untrusted } = about.tls;
  return {
    Certificates: about.certificates.map((certificate) => ({
      SubjectCommonName: certificate.subject,
      IssuerCommonName: certificate.issuer,
      SHA256Fingerprint: certificate.fingerprint,
      DNSNames: certificate.dnsNames.length === 0 ? null : certificate.dnsNames,
    })),
    Cipher: { Version: about.tls.version, CipherSuite: about.tls.cipherSuite },
    Checks: checks,
    Errors: untrusted === undefined ? [] : [{ Message: untrusted.words }],
    Ed25519VerifyKeys: checks.AllChecksOK ? Object.fromEntries(keys.keys.map(({ id, key }) => [id, key])) : null,
    Info: {},
    Keys: keys.document,
  };
}

function reportVersion({ addresses }: Facts): PublicReport['Version'] {
  const read = addresses.map((about) => readVersion(about.version)).find((version) => version !== undefined);
  if (read === undefined) {
    return { error: describeOutcome(addresses.find((about) => about.version !== undefined)?.version) };
  }
  return {
    ...(read.name === undefined ? {} : { name: read.name }),
    ...(read.version === undefined ? {} : { version: read.version }),
  };
}
