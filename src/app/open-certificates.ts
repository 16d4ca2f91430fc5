import { SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import { createFileStore } from '../store/files.ts';
import type { Certificate } from '../tls/certificate.ts';
import { createCertificateKeeper } from '../tls/certificate-keeper.ts';
import type { CertificateSet } from '../tls/certificate-set.ts';
import { createDevelopmentCa } from '../tls/development-ca.ts';
import { planCertificates } from './certificate-plan.ts';

/** The certificates of one configuration, kept up to date. */
export interface OpenCertificates {
  setFor(listener: 'https' | 'federation'): CertificateSet;
  all(): readonly Certificate[];
  onChange(listener: () => void): void;
  close(): Promise<void>;
}

/**
 * Opens the certificates that a configuration asks for.
 * @throws SidecarError when one of them cannot be used, or `acme` is asked for
 */
export async function openCertificates(
  config: Config,
  deps: { readonly system: System; readonly log: Log },
): Promise<OpenCertificates> {
  if (config.certificates === 'acme') {
    throw new SidecarError('certificates: acme is not part of this release yet.', {
      code: 'acme-not-yet',
      blame: 'operator',
      hint: 'Bring your own (certificates: files, and certificate: { cert, key } for each server), or use certificates: local for a development CA.',
    });
  }
  if (config.store.kind === 'postgres') {
    throw new SidecarError('store: postgres://… is not part of this release yet.', {
      code: 'postgres-not-yet',
      blame: 'operator',
      hint: 'Use a folder, as in store: certs.',
    });
  }
  const store = createFileStore(config.store.folder);
  const keeper = await createCertificateKeeper(planCertificates(config), {
    ...deps,
    developmentCa: createDevelopmentCa({ store }, deps),
  });
  return {
    setFor: (listener) => keeper.setFor(listener),
    all: () => [...new Set([...keeper.setFor('https').certificates, ...keeper.setFor('federation').certificates])],
    onChange: (listener) => void keeper.onChange(listener),
    async close() {
      keeper.close();
      await store.close();
    },
  };
}
