import type { PublishedDocument } from '../advise/advice.ts';
import type { FetchedDocument } from '../advise/live/fetch-document.ts';
import { judgeDocument } from '../advise/live/judge-document.ts';
import type { FindingId } from '../federation-tester/finding-kinds.ts';
import type { Verdict } from '../federation-tester/verdict.ts';
import type { Seen } from './look-record.ts';

/**
 * What is as it looks, wherever one looks from: what the DNS says, what a web server with a certificate for the name
 * published, and the certificate of whoever is reached. Connections that fail are not among them: behind many routers the
 * own public address cannot be reached, or is the router's own page.
 */
const SURE: ReadonlySet<FindingId> = new Set([
  ...(['dns-no-address', 'srv-not-offered', 'srv-target-without-address'] as const),
  ...(['well-known-not-json', 'well-known-no-m-server', 'well-known-bad-m-server', 'well-known-too-large'] as const),
  ...(['well-known-status', 'well-known-redirect-loop', 'well-known-too-many-redirects'] as const),
  ...(['well-known-bad-redirect', 'well-known-differs'] as const),
  ...(['tls-expired', 'tls-not-yet-valid', 'tls-chain-incomplete', 'srv-certificate-for-target'] as const),
]);
/** Then somebody else was reached, perhaps the router, and nothing about the certificate is ours. */
const SOMEBODY_ELSE: ReadonlySet<FindingId> = new Set(['tls-wrong-name', 'tls-self-signed']);
/** As likely to be the trouble of whoever looks. */
const OURS: ReadonlySet<FindingId> = new Set(['dns-lookup-failed', 'srv-lookup-failed', 'test-incomplete']);

/** What the configuration says of a server. */
export interface Meant {
  /** The name is one of the public DNS, and its server is to be reached from the Internet. */
  readonly everywhere: boolean;
  /** A well-known document leads to it. Without one, whatever the website says there may do no harm. */
  readonly byDocument: boolean;
}

/** Pure. */
export function judgeFederation(
  serverName: string,
  { federationOk, findings }: Pick<Verdict, 'federationOk' | 'findings'>,
  { everywhere, byDocument }: Meant,
): Seen {
  if (federationOk) return { kind: 'good' };
  const errors = findings.filter(({ severity, id }) => severity === 'error' && !OURS.has(id));
  const elsewhere = findings.some(({ id }) => SOMEBODY_ELSE.has(id));
  const certain = errors.find(({ id }) => {
    if (id.startsWith('tls-') && elsewhere) return false;
    return SURE.has(id) && (byDocument || !id.startsWith('well-known-'));
  });
  const worst = certain ?? errors[0];
  if (worst === undefined) return { kind: 'unsure' };
  const { title, evidence, fix, lines } = worst;
  const [first] = evidence;
  const message = `Other servers cannot federate with ${serverName}. ${title}${first === undefined ? '' : `: ${first}`}.`;
  const exact = lines.length === 0 ? '' : ` ${lines.join(' · ')}`;
  return { kind: 'bad', message, fix: `${fix}${exact}`, sure: everywhere && certain !== undefined };
}

/** Those that somebody comes for; others are the operator's own. */
export function isWatched({ name }: PublishedDocument): boolean {
  return name === 'server' || name === 'client';
}

/**
 * Whether the documents at an apex elsewhere are still those that the sidecar has. What most readers do not mind (a label that
 * is not JSON's, which some static hosts always send) wakes nobody. Pure.
 */
export function judgeApex(
  looked: readonly { readonly document: PublishedDocument; readonly fetched: FetchedDocument }[],
): Seen {
  const wrong = looked.flatMap(({ document, fetched }) =>
    judgeDocument(document, fetched)
      .filter(({ blocking }) => blocking)
      .map((missing) => ({ ...missing, sure: fetched.failed === undefined })),
  );
  const worst = wrong.find(({ sure }) => sure) ?? wrong[0];
  if (worst === undefined) return looked.length === 0 ? { kind: 'unsure' } : { kind: 'good' };
  const more = wrong.length === 1 ? '' : ' It is not the only thing that is wrong there.';
  const fix = `${worst.fix.replace(/\.$/, '')}. See: matrix-sidecar advise`;
  return { kind: 'bad', message: `${worst.what}${more}`, fix, sure: worst.sure };
}
