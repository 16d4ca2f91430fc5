import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runAdvise } from './advise-bench.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/delegation.md'), 'utf8');

interface Example {
  readonly config: string;
  readonly format: string;
  readonly text: string;
}

/** Every example, with the configuration that stands before it: the last YAML that begins with `servers:`. */
function listExamples(): readonly Example[] {
  const examples: Example[] = [];
  let config = '';
  for (const [, format = '', text = ''] of GUIDE.matchAll(/^```(\w+)\n([\s\S]*?)\n```$/gm)) {
    if (text.startsWith('servers:')) config = text;
    else examples.push({ config, format, text });
  }
  return examples;
}

describe('docs/delegation.md', () => {
  const examples = listExamples();

  it('has examples of documents, records, web servers and homeserver.yaml', () => {
    expect([...new Set(examples.map(({ format }) => format))].sort()).toEqual(['json', 'nginx', 'yaml', 'zone']);
    expect(examples.length).toBeGreaterThanOrEqual(9);
  });

  it.each(examples)('shows what advise prints: $text', async ({ config, text }) => {
    const { code, out } = await runAdvise({ yaml: config, args: ['--web', 'all'] });
    expect(code).toBe(0);
    expect(out).toContain(text);
  });

  it('answers every question of the federation guide, and names where to look further', () => {
    const questions = GUIDE.match(/^\*\*.*\?\*\*/gm) ?? [];
    expect(questions.length).toBeGreaterThanOrEqual(6);
    for (const word of ['_matrix-fed._tcp', '0.99', 'CNAME', '8448', '401 Unauthorized', 'check', 'doctor', '--watch'])
      expect(GUIDE).toContain(word);
  });
});
