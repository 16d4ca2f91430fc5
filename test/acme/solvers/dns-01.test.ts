import { describe, expect, it } from 'vitest';
import { decidePropagation, SILENCE } from '../../../src/acme/solvers/decide-propagation.ts';
import { createDns01Solver, recordValue } from '../../../src/acme/solvers/dns-01.ts';
import type { ChallengeRecord, DnsProvider } from '../../../src/acme/solvers/dns-provider.ts';
import { followAlias } from '../../../src/acme/solvers/follow-alias.ts';
import { findNameServers, type ServerView } from '../../../src/acme/solvers/name-servers.ts';
import { createManualSystem } from '../../tls/manual-system.ts';
import { createRecordingLog } from '../../tls/recording-log.ts';
import { failureOf, makeTask, NEVER } from './challenge-task.ts';
import { createTableDns, type DnsTable } from './dns-table.ts';

const task = makeTask('dns-01', 'example.com');
const value = recordValue(task.keyAuthorization);
const NAME = '_acme-challenge.example.com';

/** A zone with two name servers, whose records appear when the test says so. */
const ZONE: readonly (readonly [string, readonly string[]])[] = [
  ['NS example.com', ['ns1.example.com', 'ns2.example.net']],
  ['A ns1.example.com', ['192.0.2.1', '2001:db8::1']],
  ['A ns2.example.net', ['192.0.2.2']],
];
const NS1 = '@192.0.2.1:53';
const NS1_V6 = '@[2001:db8::1]:53';
const NS2 = '@192.0.2.2:53';

function start(more: { failing?: Error; propagationTimeout?: number } = {}) {
  const table: DnsTable = new Map(ZONE);
  const dns = createTableDns(table);
  const system = createManualSystem();
  const log = createRecordingLog();
  const calls: string[] = [];
  const records: ChallengeRecord[] = [];
  const provider: DnsProvider = {
    title: 'test',
    async set(record) {
      calls.push(`set ${record.name} ${record.value}`);
      records.push(record);
      if (more.failing !== undefined) throw more.failing;
    },
    async unset(record) {
      calls.push(`unset ${record.name} ${record.value}`);
    },
  };
  const { propagationTimeout = 300_000 } = more;
  const solver = createDns01Solver({ provider, propagationTimeout }, { system, dns, log });
  return { table, dns, system, log, calls, records, solver };
}

/** Whether a promise is settled, and how. */
function watch(promise: Promise<unknown>): { state: string; error?: unknown } {
  const seen: { state: string; error?: unknown } = { state: 'waiting' };
  promise.then(
    () => {
      seen.state = 'done';
    },
    (error: unknown) => Object.assign(seen, { state: 'failed', error }),
  );
  return seen;
}

describe('a dns-01 challenge', () => {
  it('asks for the SHA-256 of the key authorization in base64url (RFC 8555 section 8.4)', () => {
    expect(recordValue('evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI')).toBe(
      'lCM7cZyQXcVHK2nnW3jjAhNT3Fvm18UN-kWZZknKoYM',
    );
  });

  it('is written where the name is, and removed from there', async () => {
    const { solver, calls, records } = start();
    await solver.present(task, NEVER);
    await solver.cleanUp(task);
    expect(calls).toEqual([`set ${NAME} ${value}`, `unset ${NAME} ${value}`]);
    expect(records[0]!.task).toBe(task);
  });

  it('is written where an alias leads, and removed from there even if that has changed', async () => {
    const { solver, calls, table } = start();
    table.set(`CNAME ${NAME}`, ['Alias.Example.org.']);
    table.set('CNAME alias.example.org', ['id.auth.example.net']);
    await solver.present(task, NEVER);
    table.delete(`CNAME ${NAME}`);
    await solver.cleanUp(task);
    expect(calls).toEqual([`set id.auth.example.net ${value}`, `unset id.auth.example.net ${value}`]);
  });

  it('has two values side by side for a name and its wildcard', async () => {
    const { solver, calls } = start();
    const wildcard = makeTask('dns-01', 'example.com', { wildcard: true, token: 'second' });
    await Promise.all([solver.present(task, NEVER), solver.present(wildcard, NEVER)]);
    await Promise.all([solver.cleanUp(task), solver.cleanUp(wildcard)]);
    const second = recordValue(wildcard.keyAuthorization);
    expect(calls.toSorted()).toEqual(
      [`set ${NAME} ${value}`, `set ${NAME} ${second}`, `unset ${NAME} ${value}`, `unset ${NAME} ${second}`].toSorted(),
    );
  });

  it('is removed also when writing it failed, because it may be there all the same', async () => {
    const { solver, calls } = start({ failing: new Error('timed out') });
    expect(await failureOf(solver.present(task, NEVER))).toMatchObject({ message: 'timed out' });
    await solver.cleanUp(task);
    expect(calls.at(-1)).toBe(`unset ${NAME} ${value}`);
  });

  it('is not removed when it was never written', async () => {
    const { solver, calls, table } = start();
    table.set(`CNAME ${NAME}`, 'SERVFAIL');
    expect(await failureOf(solver.present(task, NEVER))).toMatchObject({ code: 'dns-failed' });
    await solver.cleanUp(task);
    expect(calls).toEqual([]);
  });

  it('is removed by a process that takes over from the one that wrote it', async () => {
    const { solver, calls } = start();
    await solver.cleanUp(task);
    expect(calls).toEqual([`unset ${NAME} ${value}`]);
  });

  it('is refused for addresses', async () => {
    const address = makeTask('dns-01', '', { identifier: { type: 'ip', value: '192.0.2.1' } });
    expect(await failureOf(start().solver.present(address, NEVER))).toMatchObject({ code: 'challenge-impossible' });
  });
});

describe('waiting until a record can be seen', () => {
  it('lasts until every name server of the zone shows it, beside whatever else is there', async () => {
    const { solver, table, system } = start();
    await solver.present(task, NEVER);
    const seen = watch(solver.wait!(task, NEVER));
    await system.advance(0);
    await system.advance(5_000);
    table.set(`TXT ${NAME} ${NS1}`, ['older', value]);
    await system.advance(20_000);
    expect(seen.state).toBe('waiting');
    table.set(`TXT ${NAME} ${NS2}`, [value]);
    await system.advance(15_000);
    expect(seen.state).toBe('done');
  });

  it('goes to the name servers of the zone where the alias leads', async () => {
    const { solver, table, system } = start();
    table.set(`CNAME ${NAME}`, ['a.b.example.org']);
    table.set('NS example.org', ['ns.example.org']);
    table.set('A ns.example.org', ['192.0.2.3']);
    table.set('TXT a.b.example.org @192.0.2.3:53', [value]);
    await solver.present(task, NEVER);
    const seen = watch(solver.wait!(task, NEVER));
    await system.advance(0);
    expect(seen.state).toBe('done');
  });

  it('asks a name server at its other addresses when one does not answer', async () => {
    const { solver, table, system } = start();
    table.set(`TXT ${NAME} ${NS1}`, 'it did not answer in time');
    table.set(`TXT ${NAME} ${NS1_V6}`, [value]);
    table.set(`TXT ${NAME} ${NS2}`, [value]);
    const seen = watch(solver.wait!(task, NEVER));
    await system.advance(0);
    expect(seen.state).toBe('done');
  });

  it('does without a name server that answers nobody, but not at once', async () => {
    const { solver, table, system } = start();
    for (const from of [NS1, NS1_V6]) table.set(`TXT ${NAME} ${from}`, 'it did not answer in time');
    table.set(`TXT ${NAME} ${NS2}`, [value]);
    const seen = watch(solver.wait!(task, NEVER));
    await system.advance(0);
    await system.advance(SILENCE - 5_000);
    expect(seen.state).toBe('waiting');
    await system.advance(20_000);
    expect(seen.state).toBe('done');
  });

  it('makes do with the resolver where no name server can be asked', async () => {
    const { solver, table, system, dns } = start();
    for (const from of [NS1, NS1_V6, NS2]) table.set(`TXT ${NAME} ${from}`, 'nothing listens there');
    table.set(`TXT ${NAME}`, [value]);
    const seen = watch(solver.wait!(task, NEVER));
    await system.advance(0);
    await system.advance(SILENCE - 5_000);
    // Not before: it would remember that there is nothing.
    expect(dns.questions).not.toContain(`TXT ${NAME}`);
    await system.advance(20_000);
    expect(seen.state).toBe('done');
  });

  it('ends with what each server says when its time is over', async () => {
    const { solver, table, system } = start({ propagationTimeout: 60_000 });
    table.set(`TXT ${NAME} ${NS1}`, [value]);
    await solver.present(task, NEVER);
    const seen = watch(solver.wait!(task, NEVER));
    await system.advance(0);
    await system.advance(60_000);
    expect(seen).toMatchObject({ state: 'failed', error: { code: 'dns-not-published', blame: 'remote' } });
    expect((seen.error as Error).message).toBe(
      `The TXT record ${NAME} "${value}" was written by test, but cannot be seen after 60 s: ns2.example.net does not show it yet.`,
    );
  });

  it('survives a resolver that is away for a while', async () => {
    const { solver, table, system } = start();
    table.set('NS example.com', 'SERVFAIL');
    const seen = watch(solver.wait!(task, NEVER));
    await system.advance(0);
    await system.advance(20_000);
    expect(seen.state).toBe('waiting');
    for (const [question, answer] of ZONE) table.set(question, answer);
    for (const from of [NS1, NS2]) table.set(`TXT ${NAME} ${from}`, [value]);
    await system.advance(15_000);
    expect(seen.state).toBe('done');
  });

  it('ends at once when it is aborted', async () => {
    const { solver, system } = start();
    const abort = new AbortController();
    const seen = watch(solver.wait!(task, abort.signal));
    await system.advance(0);
    await system.advance(2_000);
    abort.abort(new Error('stopping'));
    await system.advance(0);
    expect(seen).toMatchObject({ state: 'failed', error: { message: 'stopping' } });
    expect(system.pending()).toBe(0);
  });

  it('looks less and less often', async () => {
    const { solver, system, dns } = start();
    const seen = watch(solver.wait!(task, NEVER));
    await system.advance(0);
    await system.advance(270_000);
    expect(seen.state).toBe('waiting');
    expect(dns.questions.filter((question) => question === `TXT ${NAME} ${NS2}`).length).toBeLessThan(30);
  });
});

describe('the decision whether a record can be seen', () => {
  const view = (shows: ServerView['shows'], server = 'ns'): ServerView => ({ server, shows });
  it.each([
    [['record', 'record'], 0, 'proceed'],
    [['record', 'nothing'], 0, 'wait'],
    [['record', 'nothing'], 1_000_000, 'wait'],
    [['nothing', 'no-answer'], 1_000_000, 'wait'],
    [['record', 'no-answer'], SILENCE - 1, 'wait'],
    [['record', 'no-answer'], SILENCE, 'proceed'],
    [['no-answer', 'no-answer'], SILENCE - 1, 'wait'],
    [['no-answer', 'no-answer'], SILENCE, 'ask-resolver'],
    [[], 0, 'ask-resolver'],
  ] as const)('%j after %i ms: %s', (shows, waited, expected) => {
    const decision = decidePropagation(
      shows.map((each) => view(each)),
      waited,
    );
    expect(decision.do).toBe(expected);
    expect(decision.why).not.toBe('');
  });
});

describe('the alias of a challenge', () => {
  const follow = (table: DnsTable, name = NAME) =>
    followAlias(name, { dns: createTableDns(table), system: createManualSystem() }, NEVER);

  it('is not one that a wildcard makes for every name', async () => {
    const dns = createTableDns(new Map());
    const everything = { ...dns, resolveCname: async () => 'web.example.com' };
    expect(await followAlias(NAME, { dns: everything, system: createManualSystem() }, NEVER)).toBe(NAME);
  });

  it('may lead through eight names, and not further', async () => {
    const chain = (length: number): DnsTable =>
      new Map(Array.from({ length }, (_, at) => [`CNAME ${at === 0 ? NAME : `n${at}.test`}`, [`n${at + 1}.test`]]));
    expect(await follow(chain(7))).toBe('n7.test');
    expect(await failureOf(follow(chain(8)))).toMatchObject({ code: 'dns-alias', blame: 'operator' });
  });

  it.each([[['_acme-challenge.example.com']], [['b.test', 'c.test', 'b.test']], [['b.test', 'C.TEST', 'c.test.']]])(
    'must not go round in a circle: %j',
    async (targets) => {
      const table: DnsTable = new Map();
      let from = NAME;
      for (const target of targets) {
        table.set(`CNAME ${from}`, [target]);
        from = target.toLowerCase().replace(/\.$/, '');
      }
      expect(await failureOf(follow(table))).toMatchObject({
        code: 'dns-alias',
        message: expect.stringContaining('they go round in a circle'),
      });
    },
  );
});

describe('the name servers of a name', () => {
  it('are those of the nearest zone above it', async () => {
    const dns = createTableDns(
      new Map([
        ['NS b.example.com', ['ns.b.example.com']],
        ['NS example.com', ['ns.example.com']],
        ['A ns.b.example.com', ['192.0.2.1', '2001:db8::1']],
      ]),
    );
    expect(await findNameServers('_acme-challenge.a.b.example.com', 53, dns, NEVER)).toEqual([
      { name: 'ns.b.example.com', addresses: ['192.0.2.1:53', '[2001:db8::1]:53'] },
    ]);
  });

  it('are none where nobody knows any, and never those of the root', async () => {
    const dns = createTableDns(new Map([['NS ', ['a.root-servers.net']]]));
    expect(await findNameServers('a.test', 53, dns, NEVER)).toEqual([]);
    expect(dns.questions).toEqual(['NS a.test', 'NS test']);
  });
});
