import { whyNotPublic } from '../acme/public-name.ts';
import { listDocuments } from '../advise/list-documents.ts';
import { fetchDocument } from '../advise/live/fetch-document.ts';
import { createDnsClient } from '../base/dns.ts';
import type { HttpsExchange } from '../base/https-exchange.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Config, ServerConfig } from '../config/config.ts';
import type { ConnectTo } from '../discovery/connect-to.ts';
import { createNames, type Names } from '../discovery/names.ts';
import { gatherFacts } from '../federation-tester/gather-facts.ts';
import { judge } from '../federation-tester/judge.ts';
import type { Policy } from '../federation-tester/verdict.ts';
import type { Store } from '../store/store.ts';
import { isWatched, judgeApex, judgeFederation } from './judge-outside.ts';
import type { Seen } from './look-record.ts';
import type { Subject } from './outside-watch.ts';
import { createTesterExchange, reachOf } from './tester-exchange.ts';

export interface LookOutsideDeps {
  readonly system: System;
  readonly log: Log;
  store(): Pick<Store, 'read'>;
}

/** By what is looked. */
export interface Eyes {
  readonly system: System;
  readonly names: Names;
  readonly https: HttpsExchange;
  readonly connectTo: readonly ConnectTo[];
}

/** Milliseconds for a whole look, and for the first question to a DNS server. */
const [TOTAL, DNS_PATIENCE] = [20_000, 2_000];

/** Opens what looks are done with; each rejects with the signal's reason only. */
export function openOutsideLook(
  deps: LookOutsideDeps,
): (subject: Subject, config: Config, signal: AbortSignal) => Promise<Seen> {
  const { system } = deps;
  const dns = createDnsClient({ timeout: DNS_PATIENCE });
  const exchangeFor = createTesterExchange(deps);
  return async ({ about, server }, config, signal) => {
    const { https, ownAuthority } = await exchangeFor(config);
    const [resolver] = config.acme.resolvers;
    const reach = reachOf(config);
    // The machine's hosts file is nobody else's, but in a network of one's own.
    const names = createNames({ server: resolver?.text, recordsOnly: reach === 'public' }, { system, dns });
    const eyes = { system, names, https, connectTo: [] };
    if (about === 'apex') return lookAtApex(server, config, eyes, signal);
    return lookAtFederation(server, { reach, dnsServer: resolver, ownAuthority }, eyes, signal);
  };
}

/** As the federation tester looks, but unsigned and without the twelve megabytes. */
export async function lookAtFederation(
  { serverName, delegateTo, delegateBy }: ServerConfig,
  policy: Policy,
  eyes: Eyes,
  signal: AbortSignal,
): Promise<Seen> {
  const { system, connectTo } = eyes;
  const options = { allowPrivate: true, total: TOTAL, largeBody: 0, connectTo };
  const facts = await gatherFacts(serverName.text, eyes, options, signal);
  const { kind, host } = serverName;
  const isPublic = whyNotPublic({ type: kind === 'dns' ? 'dns' : 'ip', value: host }) === undefined;
  const verdict = judge(facts, policy, system.now());
  return judgeFederation(serverName.text, verdict, {
    everywhere: isPublic && policy.reach === 'public',
    byDocument: delegateTo !== undefined && delegateBy !== 'srv',
  });
}

/** As a browser looks for the documents, and compares them with those that the sidecar has. */
export async function lookAtApex(
  server: ServerConfig,
  { listen }: Pick<Config, 'listen'>,
  eyes: Eyes,
  signal: AbortSignal,
): Promise<Seen> {
  const ports = listen.https.map(({ port }) => port);
  const documents = listDocuments(server, ports).filter(isWatched);
  const looked = documents.map(async (document) => {
    return { document, fetched: await fetchDocument(document.url, eyes, signal) };
  });
  return judgeApex(await Promise.all(looked));
}
