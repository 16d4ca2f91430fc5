import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FINDING_KINDS } from '../../src/federation-tester/finding-kinds.ts';
import { DNS_AND_SRV, HEALTHY, WELL_KNOWN } from './deployments-dns.ts';
import { ADDRESSES, REQUESTS, TLS_AND_KEYS } from './deployments-server.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ids = Object.keys(FINDING_KINDS);
const rows = [HEALTHY, DNS_AND_SRV, WELL_KNOWN, ADDRESSES, TLS_AND_KEYS, REQUESTS].flat();

describe('the kinds of findings', () => {
  it.each(ids)('%s has an entry in docs/troubleshooting.md that says what to do or what it means', (id) => {
    const page = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8');
    const entry = page.split(/^### /m).find((part) => part.startsWith(`${id}\n`));
    expect(entry?.split('\n').slice(1).join(' ').trim().length).toBeGreaterThan(60);
  });

  it('have titles that are one clause, and distinct', () => {
    const titles = Object.values(FINDING_KINDS).map(({ title }) => title);
    expect(titles.filter((title) => /[.:]$/.test(title))).toEqual([]);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it('are each found in the code that judges', () => {
    const folder = join(ROOT, 'src/federation-tester');
    const code = readdirSync(folder)
      .filter((file) => file !== 'finding-kinds.ts')
      .map((file) => readFileSync(join(folder, file), 'utf8'))
      .join('\n');
    expect(ids.filter((id) => !code.includes(`'${id}'`))).toEqual([]);
  });

  it('are each found live or in the table of made-up facts', () => {
    const made = readFileSync(join(import.meta.dirname, 'judge.test.ts'), 'utf8');
    const live = new Set(rows.flatMap(({ finds }) => finds));
    expect(ids.filter((id) => !live.has(id) && !made.includes(` ${id}'`))).toEqual([]);
  });

  it('come from at least sixty live deployments, each broken in one way, beside healthy ones', () => {
    const broken = rows.filter(({ finds }) => finds.length > 0);
    expect(broken.length).toBeGreaterThanOrEqual(60);
    expect(new Set(rows.map(({ name, by }) => `${by} ${name}`)).size).toBe(rows.length);
    // Where the document cannot be had, what is wrong at port 8448 counts beside it.
    const alone = broken.filter(({ finds }) => !finds.some((id) => id.startsWith('well-known-')));
    expect(alone.filter(({ finds }) => finds.length > 1).map(({ name }) => name).length).toBeLessThanOrEqual(1);
  });
});
