import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createTokenUsers, TOKEN_USER_LIMITS, type WhoamiAnswer } from '../../src/forward/token-users.ts';
import { createManualSystem } from '../tls/manual-system.ts';

const ASKER = { clientAddress: '192.0.2.1', userAgent: 'Element' };
const user = (localpart: string): WhoamiAnswer => ({ kind: 'user', localpart });
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A homeserver that answers when told to; `asked` has each question. */
function setUp(limits: Partial<typeof TOKEN_USER_LIMITS> = {}) {
  const system = createManualSystem(undefined, turn);
  const asked: string[] = [];
  const waiting = new Map<string, (answer: WhoamiAnswer) => void>();
  const users = createTokenUsers(
    { ...TOKEN_USER_LIMITS, ...limits },
    {
      system,
      ask: (token) =>
        new Promise((resolve) => {
          asked.push(token);
          waiting.set(token, resolve);
        }),
    },
  );
  const answer = async (token: string, given: WhoamiAnswer) => {
    waiting.get(token)!(given);
    await turn();
  };
  const learn = async (token: string, given: WhoamiAnswer) => {
    const promise = users.userOf(token, ASKER);
    await answer(token, given);
    return promise;
  };
  return { system, asked, users, answer, learn };
}

describe('the user of a token', () => {
  it('is asked for once, however many requests wait, and known at once from then on', async () => {
    const { users, asked, answer } = setUp();
    const waiting = [1, 2, 3].map(() => users.userOf('mct_1', ASKER));
    await answer('mct_1', user('alice'));
    expect(await Promise.all(waiting)).toEqual(['alice', 'alice', 'alice']);
    expect(users.userOf('mct_1', ASKER)).toBe('alice');
    expect(asked).toEqual(['mct_1']);
  });

  it('is forgotten in the end, and asked for again', async () => {
    const { system, users, asked, learn } = setUp();
    await learn('mct_1', user('alice'));
    await system.advance(TOKEN_USER_LIMITS.remember - 1);
    expect(users.userOf('mct_1', ASKER)).toBe('alice');
    await system.advance(1);
    expect(await learn('mct_1', user('alice'))).toBe('alice');
    expect(asked).toHaveLength(2);
  });

  it.each(['refused', 'failed'] as const)('is nobody for a short time when the homeserver %s', async (kind) => {
    const { system, users, asked, learn } = setUp();
    expect(await learn('mct_1', { kind })).toBeUndefined();
    await system.advance(TOKEN_USER_LIMITS[kind] - 1);
    expect(users.userOf('mct_1', ASKER)).toBeUndefined();
    expect(asked).toHaveLength(1);
    await system.advance(1);
    expect(await learn('mct_1', user('alice'))).toBe('alice');
  });

  it('is not waited for longer than a moment, and serves the next request when it comes late', async () => {
    const { system, users, asked, answer } = setUp();
    const first = users.userOf('mct_1', ASKER);
    await system.advance(TOKEN_USER_LIMITS.patience);
    expect(await first).toBeUndefined();
    await answer('mct_1', user('alice'));
    expect(users.userOf('mct_1', ASKER)).toBe('alice');
    expect(asked).toHaveLength(1);
  });

  it('is nobody while too many questions are under way, so that invented tokens do not become a flood', async () => {
    const { users, asked, learn, answer } = setUp({ mostAtOnce: 2 });
    const waiting = ['a', 'b'].map((token) => users.userOf(token, ASKER));
    expect(users.userOf('c', ASKER)).toBeUndefined();
    expect(asked).toEqual(['a', 'b']);
    await answer('a', user('alice'));
    expect(await waiting[0]).toBe('alice');
    expect(await learn('c', user('carol'))).toBe('carol');
  });

  it('makes way for others when it is the longest unused', async () => {
    const { users, learn } = setUp({ most: 3 });
    for (const token of ['a', 'b', 'c']) await learn(token, user(token));
    expect(users.userOf('a', ASKER)).toBe('a');
    await learn('d', user('d'));
    expect(['a', 'c', 'd'].map((token) => users.userOf(token, ASKER))).toEqual(['a', 'c', 'd']);
    expect(users.userOf('b', ASKER)).toBeInstanceOf(Promise);
  });

  it('does not make way for invented tokens', async () => {
    const { users, learn } = setUp({ most: 3 });
    await learn('good', user('alice'));
    for (let index = 0; index < 50; index++) await learn(`invented-${index}`, { kind: 'refused' });
    expect(users.userOf('good', ASKER)).toBe('alice');
  });

  it('leaves no timer behind when it is closed, and asks no more', async () => {
    const { system, users, asked, answer } = setUp();
    const first = users.userOf('a', ASKER);
    users.close();
    users.close();
    expect(system.pending()).toBe(0);
    await answer('a', user('alice'));
    expect(await first).toBeUndefined();
    expect(users.userOf('b', ASKER)).toBeUndefined();
    expect(asked).toEqual(['a']);
  });

  it('is kept without the token', async () => {
    const kept: unknown[] = [];
    const { set } = Map.prototype;
    Map.prototype.set = function (this: Map<unknown, unknown>, key: unknown, value: unknown) {
      kept.push(key, value);
      return set.call(this, key, value);
    };
    try {
      const ask = () => Promise.resolve(user('alice'));
      const users = createTokenUsers(TOKEN_USER_LIMITS, { system: createManualSystem(), ask });
      expect(await users.userOf('mct_secret', ASKER)).toBe('alice');
    } finally {
      Map.prototype.set = set;
    }
    expect(inspect(kept)).toContain('alice');
    expect(inspect(kept, { depth: 9 })).not.toContain('secret');
  });
});
