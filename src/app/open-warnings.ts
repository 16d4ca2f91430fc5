import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { WarningsConfig } from '../config/config.ts';
import { createMatrixRoom } from '../observe/matrix-room.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { WarningWay } from '../observe/warning-way.ts';
import { createWebhook } from '../observe/webhook.ts';
import type { Store } from '../store/store.ts';
import { createAnnounced } from './announced.ts';
import { createAnnouncer } from './announcer.ts';
import type { CertificateOutlook } from './certificate-outlook.ts';
import { createCertificateWatch } from './certificate-watch.ts';
import { createWarningBoard, type WarningBoard } from './warning-board.ts';

/** Everything that tells people of what needs them. */
export interface OpenWarnings {
  /** Where others who watch something put what they see. */
  readonly board: WarningBoard;
  /** Something about the certificates changed. */
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

/** Where there is no way to anybody the log alone is told, and the store has nothing of what was said. */
export function openWarnings({ webhook, matrix }: WarningsConfig, deps: WarningsDeps): OpenWarnings {
  const ways: { readonly kind: 'webhook' | 'matrix'; readonly way: WarningWay }[] = [];
  if (webhook !== undefined) ways.push({ kind: 'webhook', way: createWebhook({ url: webhook }, deps) });
  if (matrix !== undefined) ways.push({ kind: 'matrix', way: createMatrixRoom(matrix, deps) });
  // Each for itself: that one is down must not keep the other from speaking.
  const announcers = ways.map(({ kind, way }) =>
    createAnnouncer({ ...deps, way, announced: createAnnounced({ ...deps, way: kind }) }),
  );
  const board = createWarningBoard(announcers);
  const watch = createCertificateWatch({ ...deps, board });
  return {
    board,
    look: watch.look,
    async close() {
      watch.close();
      await Promise.all(announcers.map((announcer) => announcer.close()));
      await Promise.all(ways.map(({ way }) => way.close()));
    },
  };
}
