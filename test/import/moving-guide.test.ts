import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadText } from '../config/load-file.ts';
import { runImport } from './import-bench.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/moving-from-nginx.md'), 'utf8');

/** The text of every block of one kind, without the indentation of the fence. */
function listBlocks(kind: string): readonly string[] {
  const blocks = [...GUIDE.matchAll(/^( *)```(\w+)\n([\s\S]*?)^\1```$/gm)].filter(([, , found]) => found === kind);
  return blocks.map(([, indent = '', , text = '']) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moving-guide-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('docs/moving-from-nginx.md', () => {
  it('shows what import prints for its example', async () => {
    writeFileSync(join(folder, 'matrix.conf'), listBlocks('nginx')[0]!);
    const { code, yaml, said } = await runImport(['nginx', 'matrix.conf'], folder);
    expect(code).toBe(0);
    expect(listBlocks('yaml')[0]).toBe(yaml);
    expect(`\n${listBlocks('text')[0]}`).toBe(said);
  });

  it('has YAML that loads', () => {
    const server = 'servers: [{ server_name: example.com, homeserver: "http://synapse:8008" }]\n';
    for (const text of listBlocks('yaml'))
      expect(loadText(text.includes('servers:') ? text : server + text).ok).toBe(true);
  });

  it('names only commands and keys that there are', () => {
    for (const [, id] of GUIDE.matchAll(/\[(import-[a-z-]+)\]/g)) {
      const entries = readFileSync(join(import.meta.dirname, '../../docs/troubleshooting.md'), 'utf8');
      expect(entries).toContain(`### ${id}\n`);
    }
    expect(GUIDE).toContain('--store');
  });
});
