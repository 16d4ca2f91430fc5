import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { judgeStatus } from '../../src/admin/judge-status.ts';
import { inTrouble } from './shown-status.ts';

const PAGE = readFileSync(`${import.meta.dirname}/../../docs/reference/status.md`, 'utf8');

/** Every key of it, but those that are labels. */
function listKeys(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(listKeys);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => [key, ...listKeys(one)]);
}

it('docs/reference/status.md names every key of the status', () => {
  const status = inTrouble();
  const keys = new Set(listKeys({ ...status, verdict: judgeStatus(status) }));
  expect(keys.size).toBeGreaterThan(60);
  expect([...keys].filter((key) => !PAGE.includes(`\`${key}\``))).toEqual([]);
});
