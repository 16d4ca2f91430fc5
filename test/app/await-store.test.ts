import { afterEach, describe, expect, it } from 'vitest';
import { awaitStore } from '../../src/app/await-store.ts';
import { SidecarError } from '../../src/base/errors.ts';
import { createManualSystem } from '../tls/manual-system.ts';
import { createRecordingLog } from '../tls/recording-log.ts';

const away = new SidecarError('The store is away.', { code: 'store-unreachable', blame: 'remote', retryAfter: 5 });
const refused = new SidecarError('The login is refused.', { code: 'store-login', blame: 'operator' });
const START = { patience: 10_000, goesOnWithout: true };

describe('a start waits for the store', () => {
  let log = createRecordingLog();
  afterEach(() => {
    log = createRecordingLog();
  });

  /** A store that answers these, one call each, and then well; what came of it after so many milliseconds. */
  async function wait(wish: typeof START, failures: readonly SidecarError[], ms: number): Promise<string> {
    const system = createManualSystem();
    const left = [...failures];
    const list = async (): Promise<string[]> => {
      const failure = left.shift();
      if (failure !== undefined) throw failure;
      return [];
    };
    let outcome = 'waiting';
    awaitStore({ list }, wish, { system, log }).then(
      () => {
        outcome = 'goes on';
      },
      (error: Error) => {
        outcome = error.message;
      },
    );
    await system.advance(0);
    await system.advance(ms);
    return outcome;
  }

  it('not at all when it answers', async () => {
    expect(await wait(START, [], 0)).toBe('goes on');
    expect(log.lines).toEqual([]);
  });

  it('while it is away, and says so when that begins and ends', async () => {
    expect(await wait(START, Array(3).fill(away), 1_400)).toBe('waiting');
    log.lines.length = 0;
    expect(await wait(START, Array(3).fill(away), 1_500)).toBe('goes on');
    expect(log.lines).toEqual([
      'warn Nothing is served yet: the store is waited for. The store is away.',
      'info The store answers; the start goes on.',
    ]);
  });

  it('for ten seconds, and then goes on without where it can, loudly', async () => {
    const failures = Array<SidecarError>(100).fill(away);
    expect(await wait(START, failures, 9_900)).toBe('waiting');
    log.lines.length = 0;
    expect(await wait(START, failures, 10_000)).toBe('goes on');
    expect(log.at('error')).toEqual([
      'error The certificates in the store cannot be served before it is back, and none is ordered until then. The store is away.',
    ]);
    expect(await wait({ ...START, goesOnWithout: false }, failures, 10_000)).toBe(away.message);
  });

  it('not for what does not pass by itself, and not where something is in force', async () => {
    expect(await wait(START, [refused], 0)).toBe(refused.message);
    expect(await wait(START, [away, refused], 500)).toBe(refused.message);
    expect(await wait({ patience: 0, goesOnWithout: false }, [away], 0)).toBe(away.message);
  });
});
