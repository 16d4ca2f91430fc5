import { describe, expect, it } from 'vitest';
import type { ResolvedAddress } from '../../src/base/system.ts';
import { createNames, type NameAnswer } from '../../src/forward/names.ts';
import { createManualSystem } from '../tls/manual-system.ts';

const A: ResolvedAddress = { address: '10.0.0.1', family: 4 };
const B: ResolvedAddress = { address: '10.0.0.2', family: 4 };
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** A resolver whose every question waits for the test. */
function setUp() {
  const questions: { answer(addresses: readonly ResolvedAddress[]): void; fail(code: string): void }[] = [];
  const system = {
    ...createManualSystem(0, turn),
    lookup: (host: string) =>
      new Promise<readonly ResolvedAddress[]>((resolve, reject) => {
        questions.push({
          answer: resolve,
          fail: (code) => reject(Object.assign(new Error(`getaddrinfo ${code} ${host}`), { code })),
        });
      }),
  };
  const log: string[] = [];
  const names = createNames({
    system,
    onFailing: (host, why, addresses) => log.push(`${host}: ${why}; ${addresses.map((one) => one.address).join()}`),
    onBack: (host, failed) => log.push(`${host} is back after ${failed}`),
  });
  const outcomes: string[] = [];
  const ask = (): void => {
    const describeAnswer = ({ addresses, old }: NameAnswer) =>
      outcomes.push(`${addresses.map(({ address }) => address).join()}${old ? ', old' : ''}`);
    void names.resolve('synapse').then(describeAnswer, (error: Error) => outcomes.push(error.message));
  };
  /** Asks, has the newest question settled, and gives what came of it. */
  const settle = async (how: (question: (typeof questions)[number]) => void): Promise<string | undefined> => {
    ask();
    how(questions.at(-1)!);
    await turn();
    return outcomes.at(-1);
  };
  return { system, names, questions, outcomes, log, ask, settle };
}

describe('what a name leads to', () => {
  it('is asked anew for every connection', async () => {
    const { settle, questions } = setUp();
    expect(await settle((one) => one.answer([A]))).toBe('10.0.0.1');
    expect(await settle((one) => one.answer([B]))).toBe('10.0.0.2');
    expect(questions).toHaveLength(2);
  });

  it('is one question for all who wait', async () => {
    const { ask, questions, outcomes } = setUp();
    for (let index = 0; index < 100; index++) ask();
    expect(questions).toHaveLength(1);
    questions[0]!.answer([A]);
    await turn();
    expect(outcomes).toEqual(Array.from({ length: 100 }, () => '10.0.0.1'));
  });

  it('is an error where nothing is known yet', async () => {
    const { settle, log } = setUp();
    expect(await settle((one) => one.fail('ENOTFOUND'))).toBe('getaddrinfo ENOTFOUND synapse');
    expect(await settle((one) => one.answer([]))).toBe('synapse has no addresses');
    expect(log).toEqual([]);
  });

  it('is for five minutes what it was last when it does not resolve any more, said once', async () => {
    const { settle, system, log } = setUp();
    await settle((one) => one.answer([A]));
    // However long ago that was: nobody has asked since.
    await system.advance(3_600_000);
    expect(await settle((one) => one.fail('EAI_AGAIN'))).toBe('10.0.0.1, old');
    await system.advance(299_000);
    expect(await settle((one) => one.fail('ENOTFOUND'))).toBe('10.0.0.1, old');
    await system.advance(2_000);
    expect(await settle((one) => one.fail('ENOTFOUND'))).toBe('getaddrinfo ENOTFOUND synapse');
    expect(await settle((one) => one.answer([B]))).toBe('10.0.0.2');
    expect(log).toEqual(['synapse: getaddrinfo EAI_AGAIN synapse; 10.0.0.1', 'synapse is back after 301000']);
    expect(await settle((one) => one.fail('EAI_AGAIN'))).toBe('10.0.0.2, old');
    expect(log).toHaveLength(3);
  });

  it('is not what it was last when nobody answers there', async () => {
    const { settle, names } = setUp();
    await settle((one) => one.answer([A]));
    names.distrust('synapse');
    // While it resolved, that was no reason to forget it.
    expect(await settle((one) => one.fail('ENOTFOUND'))).toBe('10.0.0.1, old');
    names.distrust('synapse');
    expect(await settle((one) => one.fail('ENOTFOUND'))).toBe('getaddrinfo ENOTFOUND synapse');
    names.distrust('another');
  });

  it('is what it was last while the resolver is slow, and waits pile up nowhere', async () => {
    const { settle, ask, system, questions, outcomes } = setUp();
    await settle((one) => one.answer([A]));
    for (let index = 0; index < 50; index++) ask();
    expect(questions).toHaveLength(2);
    await system.advance(999);
    expect(outcomes).toHaveLength(1);
    await system.advance(1);
    expect(outcomes).toHaveLength(51);
    expect(outcomes.at(-1)).toBe('10.0.0.1, old');
    for (let second = 0; second < 5; second++) {
      ask();
      await system.advance(1_000);
    }
    expect(outcomes).toHaveLength(56);
    // One may have been lost on the way: another is asked beside it, and no third.
    expect(questions).toHaveLength(3);
    questions.at(-1)!.answer([B]);
    await turn();
    expect(await settle((one) => one.answer([B]))).toBe('10.0.0.2');
  });

  it('that is known by a later question is not doubted for an earlier one that fails', async () => {
    const { settle, ask, system, questions, log } = setUp();
    await settle((one) => one.answer([A]));
    ask();
    await system.advance(2_500);
    ask();
    questions[2]!.answer([B]);
    await turn();
    questions[1]!.fail('EAI_AGAIN');
    await turn();
    expect(log).toEqual([]);
    expect(await settle((one) => one.answer([B]))).toBe('10.0.0.2');
  });

  it('is waited for as long as it takes where nothing is known yet', async () => {
    const { ask, system, questions, outcomes } = setUp();
    ask();
    await system.advance(8_000);
    expect(outcomes).toEqual([]);
    questions[0]!.answer([A]);
    await turn();
    expect(outcomes).toEqual(['10.0.0.1']);
    expect(system.pending()).toBe(0);
  });
});
