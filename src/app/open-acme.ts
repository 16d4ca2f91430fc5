import { hostname } from 'node:os';
import { type Ca, createCa } from '../acme/ca.ts';
import { createCaClock } from '../acme/ca-clock.ts';
import type { CaConnectionDeps } from '../acme/ca-connection.ts';
import { caFolder } from '../acme/ca-folder.ts';
import { limitsOfCa, stagingOfCa } from '../acme/ca-limits.ts';
import type { CaPlan, PlannedCa } from '../acme/ca-plan.ts';
import { gatherPreflight } from '../acme/gather-preflight.ts';
import { type AcmeKeeper, createAcmeKeeper } from '../acme/keeper.ts';
import { createLoopBack } from '../acme/loop-back.ts';
import type { NameSet } from '../acme/names.ts';
import { judgePreflight } from '../acme/preflight.ts';
import { checkServedCertificate } from '../acme/self-check.ts';
import type { ChallengeType, Solver } from '../acme/solver.ts';
import { createDns01Solver } from '../acme/solvers/dns-01.ts';
import { createDnsPersist01Solver } from '../acme/solvers/dns-persist-01.ts';
import { createHttp01Answers, createHttp01Solver } from '../acme/solvers/http-01.ts';
import { createTlsAlpn01Contexts, createTlsAlpn01Solver } from '../acme/solvers/tls-alpn-01.ts';
import { findFolderPlace } from '../base/container.ts';
import { createDnsClient } from '../base/dns.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { AcmeAuthority, Config } from '../config/config.ts';
import { redactPassword } from '../config/hidden.ts';
import type { ChallengeContexts } from '../listen/challenge-server.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Store } from '../store/store.ts';
import type { PlannedCertificate } from '../tls/certificate-keeper.ts';
import { listAcmeSets } from './acme-sets.ts';
import { readCaFile } from './check-ca-files.ts';
import { openDnsProvider } from './open-dns-provider.ts';

export interface AcmeDeps {
  readonly system: System;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Certificates from a CA, and the answers to what the CA asks meanwhile. */
export interface OpenAcme {
  readonly planned: readonly PlannedCertificate[];
  readonly keeper: AcmeKeeper;
  readonly tlsAlpn01: ChallengeContexts;
  /** The answer to an http-01 challenge, or to our own question whether a name leads here. */
  http01Answer(token: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/**
 * Sets up everything that certificates by ACME need; nothing is asked of a CA before the certificates are loaded.
 * @throws SidecarError when a file that the configuration names cannot be read
 */
export async function openAcme(config: Config, store: Store, deps: AcmeDeps): Promise<OpenAcme> {
  const { system, metrics } = deps;
  const sets = listAcmeSets(config);
  const clock = createCaClock(deps);
  const cas = await planCas(config, store, { ...deps, hearTime: clock.heard });
  const dns = createDnsClient({ servers: config.acme.resolvers.map(({ text }) => text) });
  const loopBack = createLoopBack(deps);
  const http01 = createHttp01Answers({ store }, deps);
  const tlsAlpn01 = createTlsAlpn01Contexts({ store }, deps);
  const dns01 = config.acme.dns === undefined ? undefined : await openDnsProvider(config.acme.dns, { system, dns });
  const solvers = new Map<ChallengeType, Solver>([
    ['http-01', createHttp01Solver({ store }, deps)],
    ['tls-alpn-01', createTlsAlpn01Solver({ store }, deps)],
    ['dns-persist-01', createDnsPersist01Solver({}, { system, dns })],
  ]);
  if (dns01 !== undefined) solvers.set('dns-01', createDns01Solver(dns01, { ...deps, dns }));
  const listeners = { http: config.listen.http.length > 0, https: config.listen.https.length > 0 };
  const place =
    config.store.kind === 'files'
      ? { name: config.store.folder, ...findFolderPlace(config.store.folder) }
      : { name: redactPassword(config.store.url), inContainer: false, onVolume: true };

  const keeper = createAcmeKeeper(
    {
      sets,
      cas,
      challenges: config.acme.challenges,
      listeners,
      keyType: config.acme.key,
      profile: config.acme.profile,
    },
    {
      ...deps,
      clock,
      store,
      solvers,
      preflight: async (set, ca, ledger, signal) =>
        judgePreflight(
          await gatherPreflight(
            set,
            ca,
            {
              challenges: config.acme.challenges,
              profile: config.acme.profile,
              hasStaging: cas.staging !== undefined,
              listeners,
              store: { ...place, host: hostname() },
            },
            { system, dns, store, loopBack, ledger, clock },
            signal,
          ),
        ),
      selfCheck: (set, fingerprint) => checkOurselves(config, set, fingerprint, deps),
      onAttempt: (directory, result) => metrics.counter('acmeAttempts', { ca: new URL(directory).host, result }).add(),
    },
  );
  return {
    planned: sets.map((set) => ({
      names: set.names,
      listener: 'all',
      source: { kind: 'given', source: keeper.sourceFor(set.id) },
    })),
    keeper,
    tlsAlpn01,
    http01Answer: async (token) => loopBack.answer(token) ?? (await http01.answer(token)),
    async close() {
      await keeper.close();
      http01.close();
      tlsAlpn01.close();
      await dns01?.close();
      for (const { ca } of [...cas.production, ...(cas.staging === undefined ? [] : [cas.staging])]) await ca.close();
    },
  };
}

async function planCas(config: Config, store: Store, deps: AcmeDeps & CaConnectionDeps): Promise<CaPlan> {
  const { acme } = config;
  const open = async (authority: AcmeAuthority): Promise<PlannedCa> => {
    const directoryUrl = authority.directory;
    const caFile = authority.caFile === undefined ? undefined : await readCaFile(authority.caFile);
    const eab =
      authority.externalAccount === undefined
        ? undefined
        : { kid: authority.externalAccount.keyId, hmacKey: authority.externalAccount.hmacKey };
    const slice = {
      directoryUrl,
      caFile,
      eab,
      contact: acme.email,
      termsAgreed: acme.agreeToTerms,
      preferredChain: acme.preferredChain,
    };
    const ca = countOrders(createCa(slice, { ...deps, store }), deps.metrics);
    return { ca, folder: caFolder(directoryUrl), limits: limitsOfCa(directoryUrl) };
  };
  const first = await open(acme);
  const others = acme.fallback === undefined ? [] : [await open(acme.fallback)];
  const staging = stagingOfCa(acme.directory);
  return {
    production: [first, ...others],
    staging:
      staging === undefined
        ? undefined
        : await open({ directory: staging, externalAccount: undefined, caFile: undefined }),
  };
}

function countOrders(ca: Ca, metrics: Metrics): Ca {
  const orders = metrics.counter('acmeOrders', { ca: new URL(ca.directoryUrl).host });
  return {
    ...ca,
    async newOrder(wish, signal) {
      const order = await ca.newOrder(wish, signal);
      orders.add();
      return order;
    },
  };
}

/** On the first address of the https listener, else of federation's. */
async function checkOurselves(
  config: Config,
  set: NameSet,
  fingerprint: string,
  deps: { readonly system: System },
): Promise<string | undefined> {
  const at = config.listen.https[0] ?? config.listen.federation[0];
  if (at === undefined || at.port === 0) return undefined;
  // A listener on all addresses is reached on the loopback one.
  const host = at.host === '::' ? '::1' : at.host === '0.0.0.0' ? '127.0.0.1' : at.host;
  const wantsProxyHeader = config.listen.proxyProtocolFrom.contains(host);
  return checkServedCertificate({ host, port: at.port, wantsProxyHeader }, set.names[0]!, fingerprint, deps);
}
