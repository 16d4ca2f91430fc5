import type { AcmeKeeper } from '../acme/keeper.ts';
import type { Log } from '../base/log.ts';
import { PROBE_KEY } from '../base/self-probe.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import type { ChallengeContexts } from '../listen/challenge-server.ts';
import type { Metrics } from '../observe/metrics.ts';
import { createStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import type { Certificate } from '../tls/certificate.ts';
import { type CertificateKeeper, createCertificateKeeper } from '../tls/certificate-keeper.ts';
import type { CertificateSet } from '../tls/certificate-set.ts';
import { createDevelopmentCa } from '../tls/development-ca.ts';
import { awaitStore, STORE_PATIENCE } from './await-store.ts';
import { type CertificateOutlook, listOutlooks } from './certificate-outlook.ts';
import { planCertificates } from './certificate-plan.ts';
import type { OpenAcme } from './open-acme.ts';
import { openWarnings } from './open-warnings.ts';
import type { WarningBoard } from './warning-board.ts';

/** The certificates of one configuration, kept up to date. */
export interface OpenCertificates {
  setFor(listener: 'https' | 'federation'): CertificateSet;
  all(): readonly Certificate[];
  /** What is to be expected of each of them. */
  outlooks(): readonly CertificateOutlook[];
  onChange(listener: () => void): void;
  /** Where they are kept, for what else those who share it have in common. Closed with them. */
  readonly store: Store;
  /** What people are told of, on the ways of the same configuration. */
  readonly warnings: WarningBoard;
  /** Who gets certificates from a CA; undefined where none are. */
  readonly acme: AcmeKeeper | undefined;
  /** Answers to tls-alpn-01 challenges under way. */
  readonly tlsAlpn01: ChallengeContexts | undefined;
  /** What to answer at /.well-known/acme-challenge/TOKEN. */
  http01Answer(token: string): Promise<string | undefined>;
  /** The key of the probes of `doctor`, as it is in the store now. */
  probeKey(): Promise<Buffer | undefined>;
  close(): Promise<void>;
}

export interface CertificateDeps {
  readonly system: System;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Opens the certificates that a configuration asks for; for a reload only where the store answers.
 * @throws SidecarError when one of them cannot be used
 */
export async function openCertificates(
  config: Config,
  deps: CertificateDeps,
  when: 'start' | 'reload' = 'start',
): Promise<OpenCertificates> {
  const store = await createStore(config.store, deps);
  let acme: OpenAcme | undefined;
  try {
    // A store of files is there or is not; whoever has certificates elsewhere can do without a database.
    if (config.store.kind === 'postgres' && config.certificates !== 'files') {
      const isStart = when === 'start';
      const wish = { patience: isStart ? STORE_PATIENCE : 0, goesOnWithout: isStart && config.certificates === 'acme' };
      await awaitStore(store, wish, deps);
    }
    // Loaded when it is needed: the ACME client costs a third of a second at the start.
    if (config.certificates === 'acme') acme = await (await import('./open-acme.ts')).openAcme(config, store, deps);
    const developmentCa = createDevelopmentCa({ store }, deps);
    const plan = [...planCertificates(config), ...(acme?.planned ?? [])];
    return watch(await createCertificateKeeper(plan, { ...deps, developmentCa }), { config, acme, store }, deps);
  } catch (error) {
    await acme?.close();
    await store.close();
    throw error;
  }
}

function watch(
  keeper: CertificateKeeper,
  { config, acme, store }: { readonly config: Config; readonly acme: OpenAcme | undefined; readonly store: Store },
  deps: CertificateDeps,
): OpenCertificates {
  const all = (): readonly Certificate[] => [
    ...new Set([...keeper.setFor('https').certificates, ...keeper.setFor('federation').certificates]),
  ];
  const outlooks = () => listOutlooks(all(), acme?.keeper.status() ?? [], deps.system.now());
  const warnings = openWarnings(config.warnings, { ...deps, store, outlooks });
  keeper.onChange(warnings.look);
  return {
    setFor: (listener) => keeper.setFor(listener),
    all,
    outlooks,
    onChange: (listener) => void keeper.onChange(listener),
    store,
    warnings: warnings.board,
    acme: acme?.keeper,
    tlsAlpn01: acme?.tlsAlpn01,
    http01Answer: async (token) => acme?.http01Answer(token),
    probeKey: () => store.read(PROBE_KEY),
    async close() {
      keeper.close();
      await warnings.close();
      await acme?.close();
      await store.close();
    },
  };
}
