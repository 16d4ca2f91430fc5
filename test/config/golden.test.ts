import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import { loadConfig } from '../../src/config/load-config.ts';

const folder = join(import.meta.dirname, '..', 'golden', 'config');
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -'.yaml'.length));

/** What an operator reads for each broken file. */
describe('a broken file gets every problem with line, key and fix', () => {
  it('has examples', () => expect(names.length).toBeGreaterThan(15));

  it.each(names)('%s', (name) => {
    const loaded = loadConfig({ file: `${name}.yaml`, env: {}, cwd: folder });
    const text = loaded.ok ? 'no problem\n' : formatConfigProblems(loaded.problems);
    expect(text).toBe(readFileSync(join(folder, `${name}.txt`), 'utf8'));
  });
});
