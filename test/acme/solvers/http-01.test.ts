import { describe, expect, it } from 'vitest';
import { createHttp01Answers, createHttp01Solver } from '../../../src/acme/solvers/http-01.ts';
import { until } from '../../harness/until.ts';
import { createManualSystem } from '../../tls/manual-system.ts';
import { createRecordingLog } from '../../tls/recording-log.ts';
import { failureOf, makeTask, NEVER } from './challenge-task.ts';
import { createMemoryStore } from './memory-store.ts';

const task = makeTask('http-01', 'a.test');
const KEY = `acme/challenges/http-01/${task.token}.json`;

function start() {
  const store = createMemoryStore();
  const system = createManualSystem();
  const log = createRecordingLog();
  const solver = createHttp01Solver({ store }, { system });
  return { store, system, log, solver, answers: createHttp01Answers({ store }, { system, log }) };
}

/** Answers, while the clock goes on. */
async function answerLater(
  { answers, system }: Pick<ReturnType<typeof start>, 'answers' | 'system'>,
  token: string,
): Promise<string | undefined> {
  const answer = answers.answer(token);
  await system.advance(1_000);
  return answer;
}

describe('an http-01 challenge', () => {
  it('is answered from its beginning to its end', async () => {
    const all = start();
    await all.solver.present(task, NEVER);
    expect(await answerLater(all, task.token)).toBe(task.keyAuthorization);
    expect([...all.store.values.keys()]).toEqual([KEY]);
    await all.solver.cleanUp(task);
    await all.solver.cleanUp(task);
    expect(all.store.values.size).toBe(0);
    expect(await answerLater(all, task.token)).toBeUndefined();
  });

  it('is answered by another process that hears of it', async () => {
    const { store, solver, system, log } = start();
    const other = createHttp01Answers({ store }, { system, log });
    await solver.present(task, NEVER);
    await until('it was read', () => store.counts.reads >= 2);
    expect(await other.answer(task.token)).toBe(task.keyAuthorization);
  });

  it('is answered by another process that does not hear of it, within a second', async () => {
    const all = start();
    all.store.tells = false;
    await all.system.advance(5_000);
    await all.solver.present(task, NEVER);
    expect(await answerLater(all, task.token)).toBe(task.keyAuthorization);
  });

  it('is answered by a process that was started in the middle of it', async () => {
    const { store, solver, system, log } = start();
    await solver.present(task, NEVER);
    const answers = createHttp01Answers({ store }, { system, log });
    expect(await answerLater({ answers, system }, task.token)).toBe(task.keyAuthorization);
  });

  it('is answered for an address and side by side with others', async () => {
    const all = start();
    const second = makeTask('http-01', '', { token: '-_second', identifier: { type: 'ip', value: '2001:db8::1' } });
    await Promise.all([all.solver.present(task, NEVER), all.solver.present(second, NEVER)]);
    expect(await answerLater(all, second.token)).toBe(second.keyAuthorization);
    expect(await answerLater(all, task.token)).toBe(task.keyAuthorization);
  });

  it('counts for an hour only, and is removed by the next one, when its process died', async () => {
    const all = start();
    await all.solver.present(task, NEVER);
    await all.system.advance(3_600_001);
    expect(await answerLater(all, task.token)).toBeUndefined();
    await all.solver.present(makeTask('http-01', 'b.test', { token: 'other' }), NEVER);
    expect([...all.store.values.keys()]).toEqual(['acme/challenges/http-01/other.json']);
  });

  it.each([
    ['a wildcard', { wildcard: true }],
    ['a token that is a path', { token: '../../account' }],
    ['a token that is too long', { token: 'a'.repeat(129) }],
    ['no token', { token: '' }],
  ])('is refused for %s', async (_, more) => {
    const { solver, store } = start();
    const refused = makeTask('http-01', 'a.test', more);
    expect(await failureOf(solver.present(refused, NEVER))).toMatchObject({ code: 'challenge-impossible' });
    await solver.cleanUp(refused);
    expect(store.values.size).toBe(0);
  });
});

describe('strangers who ask for tokens', () => {
  it.each(['', '.', '../account', 'a b', 'a/b', 'ä', '%2e', 'a'.repeat(129), 'a\n'])(
    'hear at once that %j is none, and the store is left alone',
    async (token) => {
      const { answers, store, system } = start();
      await system.advance(5_000);
      const before = { ...store.counts };
      expect(await answers.answer(token)).toBeUndefined();
      expect(store.counts).toEqual(before);
    },
  );

  it('make the store do no more than one look a second, however many they are', async () => {
    const all = start();
    await all.solver.present(task, NEVER);
    await all.system.advance(5_000);
    const before = { ...all.store.counts };
    const asked = Array.from({ length: 500 }, (_, index) => all.answers.answer(`random-${index}`));
    await all.system.advance(0);
    expect(await Promise.all(asked)).toEqual(asked.map(() => undefined));
    const again = Array.from({ length: 500 }, (_, index) => all.answers.answer(`random-${index}`));
    await all.system.advance(999);
    expect(all.store.counts).toEqual({ reads: before.reads, lists: before.lists + 1 });
    await all.system.advance(1);
    await Promise.all(again);
    expect(all.store.counts).toEqual({ reads: before.reads, lists: before.lists + 2 });
  });

  it('do not keep the CA waiting', async () => {
    const all = start();
    await all.solver.present(task, NEVER);
    await until('it was read', () => all.store.counts.reads >= 1);
    void all.answers.answer('random');
    expect(await all.answers.answer(task.token)).toBe(task.keyAuthorization);
  });
});

describe('a store that fails', () => {
  it('leaves what is known answered, is told of once, and is asked again', async () => {
    const all = start();
    await all.solver.present(task, NEVER);
    await until('it was read', () => all.store.counts.reads >= 1);
    all.store.broken = new Error('the disk is gone');
    for (let round = 0; round < 3; round++) expect(await answerLater(all, 'random')).toBeUndefined();
    expect(await all.answers.answer(task.token)).toBe(task.keyAuthorization);
    expect(all.log.lines).toEqual([
      'warn Challenges of type http-01 that other processes began may go unanswered: the disk is gone',
    ]);
    all.store.broken = undefined;
    all.store.tells = false;
    const second = makeTask('http-01', 'b.test', { token: 'second' });
    await all.solver.present(second, NEVER);
    expect(await answerLater(all, 'second')).toBe(second.keyAuthorization);
  });

  it.each(['', 'null', '[]', '{"until":9e15}', '{"until":"x","token":"t","keyAuthorization":"k"}', '{'])(
    'answers nothing for a stored %j, and the others as ever',
    async (stored) => {
      const all = start();
      await all.store.write('acme/challenges/http-01/damaged.json', Buffer.from(stored));
      await all.solver.present(task, NEVER);
      expect(await answerLater(all, 'damaged')).toBeUndefined();
      expect(await answerLater(all, task.token)).toBe(task.keyAuthorization);
    },
  );
});

describe('closed answers', () => {
  it('answer nothing and listen no more', async () => {
    const { answers, solver, store } = start();
    answers.close();
    answers.close();
    await solver.present(task, NEVER);
    const { reads } = store.counts;
    expect(await answers.answer(task.token)).toBeUndefined();
    expect(store.counts.reads).toBe(reads);
  });
});
