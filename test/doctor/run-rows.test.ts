import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import type { Finding } from '../../src/base/finding.ts';
import { realSystem } from '../../src/base/system.ts';
import type { Row, RowResult, Seen } from '../../src/doctor/row.ts';
import { runRows } from '../../src/doctor/run-rows.ts';
import { summarize } from '../../src/doctor/summarize.ts';

const finding = (severity: Finding['severity'], id = 'x'): Finding => ({
  id,
  severity,
  what: `What of ${id}.`,
  fix: `Fix of ${id}.`,
});
const seen = (...findings: Finding[]): Seen => ({ seen: 'facts', findings });
const row = (id: string, run: Row['run'], more: Partial<Row> = {}): Row => ({
  ...{ id, title: `Row ${id}`, needs: [], hint: 'Hint.', run },
  ...more,
});
const run = (rows: readonly Row[], deadline = { row: 1_000, total: 5_000 }) =>
  runRows({ rows, deadline }, { system: realSystem });

describe('the rows', () => {
  it('are looked at in order, one after the other, and the state is that of the worst finding', async () => {
    const order: string[] = [];
    const note = (id: string, ...findings: Finding[]) =>
      row(id, async () => {
        order.push(id);
        return seen(...findings);
      });
    const results = await run([note('a'), note('b', finding('info'), finding('warning')), note('c', finding('info'))]);
    expect(order).toEqual(['a', 'b', 'c']);
    expect(results.map(({ id, state }) => [id, state])).toEqual([
      ['a', 'fine'],
      ['b', 'warning'],
      ['c', 'info'],
    ]);
    expect(results[1]!.findings.map(({ severity }) => severity)).toEqual(['warning', 'info']);
  });

  it('that need a row which says what is the case instead repeat that', async () => {
    const results = await run([
      row('ground', async () => ({ ...seen(finding('error')), because: 'a.test has no address' })),
      row('house', async () => seen(), { needs: ['ground'] }),
    ]);
    expect(results[1]?.seen).toBe('not checked, because a.test has no address');
  });

  it('that need a row with an error are not looked at, nor those that need these, and they say why', async () => {
    const never = async (): Promise<Seen> => {
      throw new Error('looked at');
    };
    const results = await run([
      row('ground', async () => seen(finding('error'))),
      row('warned', async () => seen(finding('warning'))),
      row('house', never, { needs: ['ground'] }),
      row('roof', never, { needs: ['house'] }),
      row('tent', async () => seen(), { needs: ['warned', 'unknown'] }),
    ]);
    expect(results.map(({ state, seen: text }) => [state, text])).toEqual([
      ['error', 'facts'],
      ['warning', 'facts'],
      ['not-checked', 'not checked, because this is not so: Row ground'],
      ['not-checked', 'not checked, because this is not so: Row ground'],
      ['fine', 'facts'],
    ]);
  });

  it('that do not end are given up in time, and hold up no other', async () => {
    let aborted = false;
    const began = performance.now();
    const results = await run(
      [
        row('deaf', () => new Promise(() => {}), { deadline: 50 }),
        row(
          'polite',
          (signal) =>
            new Promise((_, reject) =>
              signal.addEventListener('abort', () => {
                aborted = true;
                reject(signal.reason as Error);
              }),
            ),
        ),
        row('quick', async () => seen()),
      ],
      { row: 80, total: 5_000 },
    );
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(aborted).toBe(true);
    expect(results.map(({ state, findings }) => [state, findings[0]?.id])).toEqual([
      ['error', 'doctor-row-late'],
      ['error', 'doctor-row-late'],
      ['fine', undefined],
    ]);
  });

  it('that come after the time for all of them are not looked at', async () => {
    const slow = row('slow', () => new Promise((resolve) => setTimeout(() => resolve(seen()), 60)));
    const results = await run([slow, row('late', async () => seen())], { row: 1_000, total: 50 });
    expect(results.map(({ id, state }) => [id, state])).toEqual([
      ['slow', 'error'],
      ['late', 'not-checked'],
    ]);
  });

  it('that fail say what a person can do, and never more than a sentence', async () => {
    const results = await run([
      row('known', async () => {
        throw new SidecarError('The store is gone.', { code: 'store-full', blame: 'operator', hint: 'Make room.' });
      }),
      row('defect', async () => {
        throw new TypeError('boom');
      }),
    ]);
    expect(results.map(({ findings }) => findings[0])).toEqual([
      { id: 'store-full', severity: 'error', what: 'The store is gone.', fix: 'Make room.' },
      { id: 'unexpected', severity: 'error', what: 'boom', fix: 'Hint.' },
    ]);
  });
});

describe('the summary', () => {
  const result = (state: RowResult['state'], ...findings: Finding[]): RowResult => ({
    ...{ id: 'r', title: 'Row r', seen: 'facts', took: 1 },
    state,
    findings,
  });

  it.each([
    [
      'nothing wrong',
      [result('fine'), result('fine')],
      true,
      'Nothing is wrong: 2 checks passed.',
      'Nothing has to be done.',
    ],
    [
      'something left out',
      [result('fine'), result('not-checked')],
      true,
      'Nothing is wrong: 1 check passed.',
      'Nothing has to be done. Row r: facts.',
    ],
    [
      'advice',
      [result('info', finding('info', 'a'))],
      true,
      'Nothing is wrong: 1 check passed.',
      'Nothing has to be done. Worth a look: Fix of a.',
    ],
    ['one warning', [result('warning', finding('warning', 'a'))], false, 'What of a.', 'Next: Fix of a.'],
    [
      'an error after warnings',
      [result('warning', finding('warning', 'a')), result('error', finding('error', 'b'), finding('info', 'c'))],
      false,
      'What of b. And 1 more problem.',
      'Next: Fix of b.',
    ],
    ['nothing at all', [], true, 'Nothing was checked.', 'Nothing has to be done.'],
  ] as const)('with %s begins with what is wrong and ends with what to do', (_, results, ok, first, last) => {
    expect(summarize(results)).toMatchObject({ ok, first, last });
  });
});
