import type { Advice } from '../../advise/advice.ts';
import { judgeDocument } from '../../advise/live/judge-document.ts';
import type { Missing } from '../../advise/live/missing.ts';
import { quoteText } from '../../advise/zone-file.ts';
import { formatHostPort } from '../../base/address.ts';
import { applyConnectTo, type ConnectTo } from '../../discovery/connect-to.ts';
import type { Resolution } from '../../discovery/resolution.ts';
import type { SeenServer, SeenWay } from './look-from-outside.ts';

/** What is still missing, the cause before its consequences; empty when everything is right. Pure. */
export function judgeLive(advice: Advice, seen: SeenServer, connectTo: readonly ConnectTo[]): readonly Missing[] {
  const optional = advice.delegation.method === 'srv';
  const missing = [
    // By SRV, the documents are for clients alone, and the website may be out of reach.
    ...judgeDocuments(seen).map((one) => (optional ? { ...one, blocking: false } : one)),
    ...judgeSrv(advice, seen),
    ...judgeProofs(seen),
  ];
  const astray = judgeDirection(advice, seen.resolution, connectTo);
  // Where a cause was named, where it leads to is no news.
  if (astray !== undefined && !missing.some(({ blocking }) => blocking)) missing.push(astray);
  return [...missing, ...seen.ways.flatMap(judgeWay)];
}

/** A web server that cannot be reached at all is one problem, however many documents it should have. */
function judgeDocuments({ documents }: SeenServer): readonly Missing[] {
  const [first] = documents;
  const failures = new Set(documents.map(({ fetched }) => (fetched.hops.length === 0 ? fetched.failed : undefined)));
  const [failed] = failures;
  if (first === undefined || documents.length === 1 || failures.size > 1 || failed === undefined)
    return documents.flatMap(({ document, fetched }) => judgeDocument(document, fetched));
  const what = `${new URL('.', first.document.url).href} cannot be had: ${failed}.`;
  const fix =
    first.document.by === 'sidecar'
      ? 'Let that name lead to this sidecar, which publishes the documents.'
      : `Publish there: ${documents.map(({ document }) => document.name).join(', ')}, as advise prints them.`;
  return [{ what, fix, blocking: true }];
}

function judgeSrv({ dns }: Advice, { srv, ways }: SeenServer): Missing[] {
  const wanted = dns.find(({ type }) => type === 'SRV')?.data;
  return srv.flatMap(({ name, records, error }, index): Missing[] => {
    const fix = `Publish: ${name}. IN SRV ${wanted}`;
    // The deprecated name is for the few who know no other.
    const blocking = index === 0;
    if (error !== undefined)
      return [{ what: `The SRV records of ${name} cannot be looked up: ${error}.`, fix, blocking }];
    if (records.length === 0) return [{ what: `There is no SRV record ${name}.`, fix, blocking }];
    const way = ways.find((one) => one.way.by === 'srv')?.way;
    const good = records.some(({ target, port }) => target.toLowerCase() === way?.host && port === way.port);
    const found = records
      .slice(0, 4)
      .map(({ target, port }) => formatHostPort(target, port))
      .join(', ');
    if (good && records.length === 1) return [];
    const what = `The SRV record ${name} leads to ${found}.`;
    return [
      { what, fix: good ? 'Remove the others, unless they are yours as well.' : fix, blocking: blocking && !good },
    ];
  });
}

function judgeProofs({ proofs, ways }: SeenServer): Missing[] {
  const isThere = ({ record, found }: SeenServer['proofs'][number]): boolean =>
    record.type === 'CNAME'
      ? found.some((target) => `${target.toLowerCase()}.` === record.data)
      : found.some((text) => withoutBlanks(quoteText(text)) === withoutBlanks(record.data));
  // One of several is enough, and none is needed once there is a certificate.
  const certified = ways.every(({ answers }) => answers.some(({ outcome }) => isTrusted(outcome)));
  if (proofs.length === 0 || certified || proofs.some(isThere)) return [];
  const [first, ...others] = proofs.map(({ record: { name, type, data } }) => `${name} IN ${type} ${data}`);
  const what = `The record by which the CA lets us have a certificate is not there yet (${proofs[0]!.record.name}).`;
  return [{ what, fix: `Publish: ${[first, ...others].join(' or ')}`, blocking: true }];
}

/** Whether other servers, who follow everything that is published, end up where they should. */
function judgeDirection(
  { ways }: Advice,
  { destinations, certificateName, trace }: Resolution,
  connectTo: readonly ConnectTo[],
): Missing | undefined {
  const [wanted] = ways;
  if (wanted === undefined) return undefined;
  const { host, port } = applyConnectTo(connectTo, wanted.host, wanted.port);
  const [first] = destinations;
  if (first?.host === host && first.port === port && certificateName === wanted.certificateName) return undefined;
  const gone = first === undefined ? 'nowhere' : `to ${formatHostPort(first.host, first.port)}`;
  const why = trace.find(({ decided }) => decided)?.what ?? '';
  const what = `Other servers go ${gone} and not to ${formatHostPort(host, port)}. ${why}`.trimEnd();
  return { what, fix: 'Remove what sends them there, or change delegate_to.', blocking: true };
}

function judgeWay({ way, lookup, answers }: SeenWay): Missing[] {
  const { host, error, cname } = lookup;
  if (answers.length === 0) {
    const what = error === undefined ? `${host} has no address in the DNS.` : `${host} cannot be looked up: ${error}.`;
    return [
      { what, fix: `Publish A (and AAAA) records of ${host} with the addresses of this machine.`, blocking: true },
    ];
  }
  const missing: Missing[] = [];
  if (way.by === 'srv' && cname !== undefined)
    missing.push({
      what: `${host}, the target of the SRV record, is an alias (CNAME) of ${cname}.`,
      fix: `Give ${host} A and AAAA records of its own: RFC 2782 allows no alias there.`,
      blocking: true,
    });
  for (const { address, port, outcome } of answers) {
    const place = formatHostPort(address, port);
    if (!outcome.ok) {
      const what = `${place} (${host}) cannot be reached: ${outcome.words}.`;
      const fix = address.includes(':')
        ? 'Let that port reach the sidecar, or remove the AAAA record.'
        : 'Let that port reach the sidecar, and have the sidecar running.';
      missing.push({ what, fix, blocking: true });
    } else if (!isTrusted(outcome)) {
      const what = `The certificate at ${place} is not good for ${way.certificateName}: ${outcome.tls.untrusted?.words}.`;
      missing.push({ what, fix: 'See: matrix-sidecar certs list. For a private CA, give --ca-file.', blocking: true });
    } else if (outcome.status !== 200) {
      const what = `${place} answers to the question for its version with the status ${outcome.status}.`;
      missing.push({ what, fix: 'Have the homeserver running, and that port lead to this sidecar.', blocking: true });
    }
  }
  return missing;
}

function isTrusted(outcome: SeenWay['answers'][number]['outcome']): boolean {
  return outcome.ok && outcome.tls.untrusted === undefined;
}

function withoutBlanks(text: string): string {
  return text.replaceAll(/\s/g, '');
}
