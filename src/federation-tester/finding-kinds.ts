/** What a user complains about (the federation guide's section "Troubleshooting"). */
export type Symptom = '401-on-join' | 'others-cannot-join';

/** The complaints in words. */
export const SYMPTOMS: Readonly<Record<Symptom, string>> = {
  '401-on-join': 'joining a room on another server is refused with "401: Unauthorized"',
  'others-cannot-join': 'people on other servers cannot join the rooms that you invite them to',
};

export type Severity = 'error' | 'warning' | 'info';

export interface FindingKind {
  readonly severity: Severity;
  readonly title: string;
  readonly explains: readonly Symptom[];
}

const BOTH = ['401-on-join', 'others-cannot-join'] as const;

// Other servers cannot reach ours or check our keys: both complaints.
const fatal = (title: string): FindingKind => ({ severity: 'error', title, explains: BOTH });
// Our keys can be had, but what others ask of us goes wrong.
const barred = (title: string): FindingKind => ({ severity: 'error', title, explains: ['others-cannot-join'] });
const warning = (title: string): FindingKind => ({ severity: 'warning', title, explains: [] });
const info = (title: string): FindingKind => ({ severity: 'info', title, explains: [] });

/**
 * Every kind of finding. The ids are stable: scripts and docs/troubleshooting.md go by them. The severity is the
 * usual one; where something else makes up for it, the finding says less.
 */
export const FINDING_KINDS = {
  'name-invalid': fatal('That is no Matrix server name'),

  'dns-no-address': fatal('A host that other servers are sent to has no address'),
  'dns-lookup-failed': fatal('The DNS does not answer for a host that other servers are sent to'),
  'address-private': fatal('An address leads into a private network'),
  'too-many-addresses': warning('There are more addresses than anybody tries'),
  'srv-lookup-failed': fatal('The DNS does not answer the question for SRV records'),
  'srv-not-offered': fatal('The SRV record says that there is no Matrix server'),
  'srv-target-is-alias': warning('The target of an SRV record is an alias (CNAME)'),
  'srv-target-is-address': warning('The target of an SRV record is an address instead of a host name'),
  'srv-target-without-address': fatal('The target of an SRV record has no address'),
  'srv-old-name-only': info('There is an SRV record under the old name only'),
  'srv-new-name-only': info('There is an SRV record under the new name only'),
  'srv-names-disagree': warning('The SRV records under the old and the new name lead to different places'),
  'srv-stale': warning('The SRV record for old servers leads nowhere'),

  'well-known-not-json': fatal('The well-known document is no JSON'),
  'well-known-no-m-server': fatal('The well-known document does not say m.server'),
  'well-known-bad-m-server': fatal('m.server in the well-known document is no server name'),
  'well-known-too-large': fatal('The well-known document does not end'),
  'well-known-status': fatal('The well-known document is answered with an error'),
  'well-known-redirect-loop': fatal('The well-known document redirects in a circle'),
  'well-known-too-many-redirects': fatal('The well-known document redirects too often'),
  'well-known-bad-redirect': fatal('The well-known document redirects to where nobody may follow'),
  'well-known-untrusted': fatal('The web server that should have the well-known document has no valid certificate'),
  'well-known-no-answer': fatal('The web server that should have the well-known document does not answer'),
  'well-known-differs': fatal('The addresses of the web server give different well-known documents'),
  'well-known-address-dead': warning('The well-known document cannot be had from every address'),
  'well-known-308': warning('The well-known document is redirected with status 308'),
  'well-known-content-type': info('The well-known document is not labelled as JSON'),
  'well-known-no-cors': info('The well-known document lacks the CORS header'),
  'well-known-not-cached': info('The well-known document forbids caching'),

  'connection-refused': fatal('Nothing listens where other servers are sent to'),
  'connection-timeout': fatal('Connections from other servers are not answered'),
  'connection-unreachable': fatal('There is no route to where other servers are sent to'),
  'ipv6-dead': warning('IPv6 does not work, IPv4 does'),
  'ipv4-dead': fatal('IPv4 does not work, IPv6 does'),
  'address-dead': warning('Some addresses do not answer'),
  'ipv6-elsewhere': fatal('Over IPv6, something else answers than over IPv4'),
  'delegation-missing': fatal('Matrix is served on port 443, and nothing says so'),
  'port-wrong': fatal('Other servers are sent to the wrong port'),

  'tls-missing': fatal('There is no TLS where other servers are sent to'),
  'tls-silent': fatal('Connections are accepted, and then nothing is said'),
  'tls-handshake-failed': fatal('The TLS handshake fails'),
  'tls-wrong-name': fatal('The certificate is for another name'),
  'srv-certificate-for-target': fatal('The certificate is for the target of the SRV record'),
  'tls-expired': fatal('The certificate has expired'),
  'tls-not-yet-valid': fatal('The certificate is not valid yet'),
  'tls-self-signed': fatal('The certificate is self-signed'),
  'tls-chain-incomplete': fatal('The certificate of an intermediate authority is not sent'),
  'tls-authority-unknown': fatal('The certificate is of an authority that nobody knows'),
  'tls-untrusted': fatal('The certificate is not trusted'),
  'tls-expires-soon': warning('The certificate expires soon'),

  'homeserver-down': fatal('The proxy answers, the homeserver behind it does not'),
  'keys-no-answer': fatal('The request for the signing keys gets no answer'),
  'keys-not-served': fatal('What answers there is no homeserver'),
  'keys-limited': warning('The signing keys are refused for now, since there were too many requests'),
  'keys-redirected': fatal('The request for the signing keys is redirected'),
  'keys-too-large': fatal('The signing keys document does not end'),
  'keys-not-json': fatal('The signing keys document is no JSON'),
  'keys-wrong-server': fatal('The signing keys are those of another server'),
  'keys-none': fatal('The signing keys document has no usable key'),
  'keys-bad-signature': fatal('The signature under the signing keys is wrong'),
  'keys-expired': fatal('The signing keys are no longer valid'),
  'keys-expire-soon': warning('The signing keys are valid for a short time only'),
  'keys-content-type': fatal('The signing keys are not labelled as JSON'),
  'keys-differ': fatal('Different addresses show different signing keys'),

  'federation-not-forwarded': barred('The signing keys are served, the rest of federation is not'),
  'version-missing': warning('The version endpoint does not answer as it should'),
  'unknown-endpoint': warning('Something other than the homeserver answers for unknown endpoints'),
  'clock-skew': warning('The clock is wrong'),

  'authorization-stripped': barred('The signature of requests is removed on the way'),
  'signature-rejected': barred('Properly signed requests are refused'),
  'path-refused': barred('Paths with escaped characters are refused on the way'),
  'path-mangled': barred('Paths with escaped characters are changed on the way'),
  'slashes-merged': warning('Double slashes in paths are changed on the way'),
  'signature-not-checked': warning('Federation requests are answered without a signature'),
  'federation-denied': warning('The server refuses to federate with the one that asked'),
  'body-limit': barred('Large requests are refused'),
  'hold-cut': warning('Requests that take long are cut off'),

  'test-incomplete': warning('Not everything could be tested in time'),
} as const satisfies Readonly<Record<string, FindingKind>>;

export type FindingId = keyof typeof FINDING_KINDS;
