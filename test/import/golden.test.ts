import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import { loadText } from '../config/load-file.ts';
import { GOLDEN, listExamples, runImport } from './import-bench.ts';

const PROGRAMS = [
  { program: 'nginx', least: 30 },
  { program: 'caddy', least: 10 },
] as const;

for (const { program, least } of PROGRAMS) {
  const folder = join(GOLDEN, program);
  const examples = listExamples(program);

  describe(`import ${program}`, () => {
    it(`has examples of ${least} styles and more`, () => expect(examples.length).toBeGreaterThanOrEqual(least));

    it.each(examples)('$name becomes YAML that loads, with what was found', async ({ name, path }) => {
      const { code, yaml, said } = await runImport([program, path], folder);
      await expect(yaml).toMatchFileSnapshot(join(folder, `${name}.yaml`));
      await expect(said).toMatchFileSnapshot(join(folder, `${name}.findings`));
      const loaded = loadText(yaml);
      expect(loaded.ok ? '' : formatConfigProblems(loaded.problems)).toBe('');
      expect(code).toBe(0);
    });
  });
}
