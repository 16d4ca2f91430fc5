import { describe, expect, it } from 'vitest';
import type { ChallengeTask } from '../../../src/acme/solver.ts';
import { createDnsPersist01Solver, formatPersistRecord, whyUseless } from '../../../src/acme/solvers/dns-persist-01.ts';
import { createManualSystem } from '../../tls/manual-system.ts';
import { failureOf, makeTask, NEVER } from './challenge-task.ts';
import { createTableDns, type DnsTable } from './dns-table.ts';

const NAME = '_validation-persist.example.com';
const task: ChallengeTask = {
  ...makeTask('dns-persist-01', 'example.com'),
  issuerDomainNames: ['ca.test', 'ca.example'],
};
const wildcard: ChallengeTask = { ...task, wildcard: true };
const RECORD = 'ca.test; accounturi=https://ca.test/acct/1';
const system = createManualSystem();
const NOW = system.now();

const present = (table: DnsTable, of: ChallengeTask = task) =>
  createDnsPersist01Solver({}, { system, dns: createTableDns(table) }).present(of, NEVER);

describe('a dns-persist-01 challenge', () => {
  it('is met by a record that is there already', async () => {
    await expect(present(new Map([[`TXT ${NAME}`, ['v=spf1 -all', RECORD]]]))).resolves.toBeUndefined();
  });

  it('is met by a record that only the zone\u2019s own servers know of yet', async () => {
    const table: DnsTable = new Map<string, readonly string[] | string>([
      ['NS example.com', ['ns1.test', 'ns2.test']],
      ['A ns1.test', ['192.0.2.1']],
      ['A ns2.test', ['192.0.2.2']],
      [`TXT ${NAME} @192.0.2.1:53`, 'it did not answer in time'],
      [`TXT ${NAME} @192.0.2.2:53`, [RECORD]],
    ]);
    await expect(present(table)).resolves.toBeUndefined();
  });

  it.each([
    [task, `${NAME}. IN TXT "${RECORD}"`],
    [wildcard, `${NAME}. IN TXT "${RECORD}; policy=wildcard"`],
  ])('that is not met says exactly what to publish', async (of, line) => {
    const failure = await failureOf(present(new Map(), of));
    expect(failure).toMatchObject({
      code: 'dns-persist-missing',
      blame: 'operator',
      message: `dns-persist-01 needs a TXT record at ${NAME}, and there is none.`,
      hint: `Publish once, and leave it there: ${line}`,
    });
  });

  it('that is not met says why what is there does not do', async () => {
    const failure = await failureOf(
      present(new Map([[`TXT ${NAME}`, ['other.test; accounturi=x', RECORD]]]), wildcard),
    );
    expect((failure as Error).message).toContain('"other.test; accounturi=x": it is for another CA');
    expect((failure as Error).message).toContain(`"${RECORD}": it lacks policy=wildcard`);
  });

  it('needs a CA that says its name, and no address', async () => {
    const address = { ...task, identifier: { type: 'ip', value: '192.0.2.1' } as const };
    for (const of of [{ ...task, issuerDomainNames: [] }, makeTask('dns-persist-01', 'example.com'), address])
      expect(await failureOf(present(new Map(), of))).toMatchObject({ code: 'challenge-impossible' });
  });
});

describe('a dns-persist-01 record', () => {
  it('is written as the draft has it', () => {
    const record = {
      issuer: 'ca.test',
      accountUrl: 'https://ca.test/acct/1',
      wildcard: true,
      persistUntil: 1_800_000_000,
    };
    expect(formatPersistRecord(record)).toBe(`${RECORD}; policy=wildcard; persistUntil=1800000000`);
    expect(formatPersistRecord({ ...record, wildcard: false, persistUntil: undefined! })).toBe(RECORD);
  });

  const soon = Math.floor(NOW / 1000) + 1;
  it.each([
    [RECORD, false, undefined],
    ['CA.Test.;accounturi = https://ca.test/acct/1 ', false, undefined],
    ['ca.example; x=y; accounturi=https://ca.test/acct/1; POLICY=WildCard', true, undefined],
    [`${RECORD}; persistUntil=${soon}`, false, undefined],
    [`${RECORD}; policy=something`, false, undefined],
    [`${RECORD}; persistUntil=${soon - 2}`, false, 'its persistUntil is over'],
    [`${RECORD}; persistUntil=soon`, false, 'its persistUntil is no number of seconds since 1970'],
    [RECORD, true, 'it lacks policy=wildcard, which a wildcard needs'],
    ['ca.test; accounturi=https://ca.test/acct/2', false, 'it is for another account'],
    ['ca.test', false, 'it is for another account'],
    ['x.ca.test; accounturi=https://ca.test/acct/1', false, 'it is for another CA'],
    ['', false, 'it is for another CA'],
    [';;=;', false, 'it is for another CA'],
  ])('%j is judged (wildcard: %s): %s', (text, wild, why) => {
    expect(whyUseless(text, { ...task, wildcard: wild }, task.issuerDomainNames!, NOW)).toBe(why);
  });
});
