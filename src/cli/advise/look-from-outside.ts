import type { Advice, DnsRecord, PublishedDocument } from '../../advise/advice.ts';
import type { FederationWay } from '../../advise/list-ways.ts';
import { type AskDeps, askAddress, type FetchedDocument, fetchDocument } from '../../advise/live/fetch-document.ts';
import type { DnsClient } from '../../base/dns.ts';
import type { HttpsOutcome } from '../../base/https-exchange.ts';
import type { System } from '../../base/system.ts';
import { applyConnectTo } from '../../discovery/connect-to.ts';
import type { HostLookup, Resolution, SrvLookup } from '../../discovery/resolution.ts';
import { resolve } from '../../discovery/resolve.ts';
import type { ServerName } from '../../matrix/server-name.ts';

/** What one look from outside saw of a server, for `judgeLive`. */
export interface SeenServer {
  readonly resolution: Resolution;
  readonly documents: readonly { readonly document: PublishedDocument; readonly fetched: FetchedDocument }[];
  /** One for each service that has to have a record. */
  readonly srv: readonly SrvLookup[];
  /** Static records that a CA looks for. */
  readonly proofs: readonly { readonly record: DnsRecord; readonly found: readonly string[] }[];
  readonly ways: readonly SeenWay[];
}

/** One way on which other servers are to come, tried at each of its addresses. */
export interface SeenWay {
  readonly way: FederationWay;
  readonly lookup: HostLookup;
  readonly answers: readonly { readonly address: string; readonly port: number; readonly outcome: HttpsOutcome }[];
}

export interface LookDeps extends AskDeps {
  readonly system: System;
  readonly dns: DnsClient;
}

/** Addresses of one host that are tried. */
const MOST_ADDRESSES = 8;

/** Looks once at everything that the advice asks for. Nothing is remembered. Rejects with the signal's reason only. */
export async function lookFromOutside(
  serverName: ServerName,
  advice: Advice,
  deps: LookDeps,
  signal: AbortSignal,
): Promise<SeenServer> {
  const { names, connectTo, dns } = deps;
  const records = advice.dns.filter(({ needed }) => needed);
  const services = records.filter(({ type }) => type === 'SRV').map(({ name }) => withoutDot(name));
  const proofs = records.filter(({ type }) => type === 'TXT' || type === 'CNAME');
  const [resolution, documents, srv, found, ways] = await Promise.all([
    resolve(serverName, deps, { allowPrivate: true, connectTo }, signal),
    Promise.all(
      advice.documents.map(async (document) => {
        return { document, fetched: await fetchDocument(document.url, deps, signal) };
      }),
    ),
    Promise.all(services.map((name) => names.lookupSrv(name, signal))),
    Promise.all(proofs.map(async (record) => ({ record, found: await readRecord(record, dns, signal) }))),
    Promise.all(advice.ways.map((way) => tryWay(way, deps, signal))),
  ]);
  return { resolution, documents, srv, proofs: found, ways };
}

/** No answer is no record here: it is asked again soon. */
async function readRecord({ name, type }: DnsRecord, dns: DnsClient, signal: AbortSignal): Promise<readonly string[]> {
  const question = withoutDot(name);
  try {
    if (type === 'TXT') return await dns.resolveTxt(question, { signal });
    const target = await dns.resolveCname(question, { signal });
    return target === undefined ? [] : [target];
  } catch {
    signal.throwIfAborted();
    return [];
  }
}

async function tryWay(way: FederationWay, deps: LookDeps, signal: AbortSignal): Promise<SeenWay> {
  const { certificateName, hostHeader } = way;
  const { host, port } = applyConnectTo(deps.connectTo, way.host, way.port);
  const lookup = await deps.names.lookupHost(host, signal);
  const target = '/_matrix/federation/v1/version';
  const answers = await Promise.all(
    lookup.addresses.slice(0, MOST_ADDRESSES).map(async (address) => {
      const request = { address, port, certificateName, host: hostHeader, target };
      return { address, port, outcome: await askAddress(request, deps, { verify: false, signal }) };
    }),
  );
  return { way, lookup, answers };
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, '');
}
