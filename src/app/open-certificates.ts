import type { AcmeKeeper } from '../acme/keeper.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import type { ChallengeContexts } from '../listen/challenge-server.ts';
import { createStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import type { Certificate } from '../tls/certificate.ts';
import { type CertificateKeeper, createCertificateKeeper } from '../tls/certificate-keeper.ts';
import type { CertificateSet } from '../tls/certificate-set.ts';
import { createDevelopmentCa } from '../tls/development-ca.ts';
import { planCertificates } from './certificate-plan.ts';
import type { OpenAcme } from './open-acme.ts';

/** The certificates of one configuration, kept up to date. */
export interface OpenCertificates {
  setFor(listener: 'https' | 'federation'): CertificateSet;
  all(): readonly Certificate[];
  onChange(listener: () => void): void;
  /** Who gets certificates from a CA; undefined where none are. */
  readonly acme: AcmeKeeper | undefined;
  /** Answers to tls-alpn-01 challenges under way. */
  readonly tlsAlpn01: ChallengeContexts | undefined;
  /** What to answer at /.well-known/acme-challenge/TOKEN. */
  http01Answer(token: string): Promise<string | undefined>;
  close(): Promise<void>;
}

export interface CertificateDeps {
  readonly system: System;
  readonly log: Log;
}

/**
 * Opens the certificates that a configuration asks for.
 * @throws SidecarError when one of them cannot be used
 */
export async function openCertificates(config: Config, deps: CertificateDeps): Promise<OpenCertificates> {
  const store = await createStore(config.store, deps);
  let acme: OpenAcme | undefined;
  try {
    // Loaded when it is needed: the ACME client costs a third of a second at the start.
    if (config.certificates === 'acme') acme = await (await import('./open-acme.ts')).openAcme(config, store, deps);
    const developmentCa = createDevelopmentCa({ store }, deps);
    const plan = [...planCertificates(config), ...(acme?.planned ?? [])];
    return withClose(await createCertificateKeeper(plan, { ...deps, developmentCa }), acme, store);
  } catch (error) {
    await acme?.close();
    await store.close();
    throw error;
  }
}

function withClose(keeper: CertificateKeeper, acme: OpenAcme | undefined, store: Store): OpenCertificates {
  return {
    setFor: (listener) => keeper.setFor(listener),
    all: () => [...new Set([...keeper.setFor('https').certificates, ...keeper.setFor('federation').certificates])],
    onChange: (listener) => void keeper.onChange(listener),
    acme: acme?.keeper,
    tlsAlpn01: acme?.tlsAlpn01,
    http01Answer: async (token) => acme?.http01Answer(token),
    async close() {
      keeper.close();
      await acme?.close();
      await store.close();
    },
  };
}
