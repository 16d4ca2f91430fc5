import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { WarningsConfig } from '../config/config.ts';
import type { Metrics } from '../observe/metrics.ts';
import { createWebhook } from '../observe/webhook.ts';
import type { Store } from '../store/store.ts';
import { createAnnounced } from './announced.ts';
import { createAnnouncer } from './announcer.ts';
import type { CertificateOutlook } from './certificate-outlook.ts';
import { createCertificateWatch } from './certificate-watch.ts';

/** Everything that tells people of what needs them. */
export interface OpenWarnings {
  /** Something changed. */
  look(): void;
  close(): Promise<void>;
}

export interface WarningsDeps {
  readonly system: System;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly store: Store;
  outlooks(): readonly CertificateOutlook[];
}

/** Where there is no webhook the log alone is told, and the store is not touched. */
export function openWarnings(config: WarningsConfig, deps: WarningsDeps): OpenWarnings {
  const webhook = config.webhook === undefined ? undefined : createWebhook({ url: config.webhook }, deps);
  const announcer =
    webhook === undefined ? undefined : createAnnouncer({ ...deps, webhook, announced: createAnnounced(deps) });
  const watch = createCertificateWatch({ ...deps, announcer });
  return {
    look: watch.look,
    async close() {
      watch.close();
      await announcer?.close();
      await webhook?.close();
    },
  };
}
