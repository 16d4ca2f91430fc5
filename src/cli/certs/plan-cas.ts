import { createCa } from '../../acme/ca.ts';
import { caFolder } from '../../acme/ca-folder.ts';
import { limitsOfCa, stagingOfCa } from '../../acme/ca-limits.ts';
import type { CaPlan, PlannedCa } from '../../acme/ca-plan.ts';
import type { CertsContext } from './open-certificate-store.ts';

/** The CAs of the configuration, to decide by. None of them is ever asked anything, so they need no account. */
export function planCas({ config, store, system, log }: CertsContext): CaPlan {
  const plan = (directoryUrl: string): PlannedCa => ({
    ca: createCa({ directoryUrl, termsAgreed: false }, { store, system, log }),
    folder: caFolder(directoryUrl),
    limits: limitsOfCa(directoryUrl),
  });
  const { directory, fallback } = config.acme;
  const staging = stagingOfCa(directory);
  return {
    production: [plan(directory), ...(fallback === undefined ? [] : [plan(fallback.directory)])],
    staging: staging === undefined ? undefined : plan(staging),
  };
}
