import { expect, it } from 'vitest';
import { createAnnounced } from '../../../src/app/announced.ts';
import { createAnnouncer } from '../../../src/app/announcer.ts';
import { createStandingMatter } from '../../../src/app/standing-matter.ts';
import { createMetrics } from '../../../src/observe/metrics.ts';
import { until } from '../../harness/until.ts';
import { hurriedSystem } from '../../tls/hurried-system.ts';
import { createRecordingLog } from '../../tls/recording-log.ts';

it.each([
  ['for itself', 400, ['a', 'b', 'c']],
  ['as any other would be', 503, ['a']],
])(
  'of several warnings one that is refused %s keeps the others back only if they would be as well',
  async (_, status, expected) => {
    const tried: string[] = [];
    const log = createRecordingLog();
    const release = async (): Promise<void> => {};
    const lease = { name: 'l', generation: 1, lost: new AbortController().signal, write: async () => {}, release };
    const store = { read: async () => undefined, write: async () => {}, acquireLease: async () => lease };
    const announcer = createAnnouncer({
      ...{ system: hurriedSystem, log, metrics: createMetrics(), announced: createAnnounced({ store, log }) },
      way: {
        host: 'hooks.test',
        close: release,
        async post({ names: [name = ''] }) {
          tried.push(name);
          return name === 'a' ? { ok: false, status, why: `it answered ${status}`, retryAfter: 60 } : { ok: true };
        },
      },
    });
    const matters = ['a', 'b', 'c'].map((id) => {
      const trouble = { message: 'It is down.', fix: 'Start it.', since: 0 };
      return createStandingMatter({ id, about: 'homeserver', level: 'down', names: [id], relief: 'Back.', trouble });
    });
    announcer.look(matters);
    await until('told', () => log.at('warn').length === 1);
    await announcer.close();
    expect(tried).toEqual(expected);
  },
);
