import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readFileUpTo } from '../../../src/config/read-file.ts';
import { loadHomeserverYaml } from '../../../src/synapse/load-homeserver-yaml.ts';
import { parseSynapseSize } from '../../../src/synapse/size.ts';

it('of a folder only files are read, as Synapse does: a folder, a broken link or a pipe there is passed over', () => {
  const folder = mkdtempSync(join(tmpdir(), 'synapse-'));
  try {
    writeFileSync(join(folder, 'homeserver.yaml'), 'server_name: a.test\n');
    mkdirSync(join(folder, 'old.yaml'));
    symlinkSync(join(folder, 'gone'), join(folder, 'link.yaml'));
    execFileSync('mkfifo', [join(folder, 'pipe.yaml')]);
    const asked: string[] = [];
    const readFile = (path: string, limit: number): Uint8Array => {
      asked.push(path);
      // A pipe without a writer would be waited for for ever.
      return path.endsWith('pipe.yaml') ? Buffer.from('') : readFileUpTo(path, limit);
    };
    const { yaml, problems } = loadHomeserverYaml([folder], { readFile });
    expect([yaml?.serverName, problems]).toEqual(['a.test', []]);
    expect(asked).toEqual([join(folder, 'homeserver.yaml')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each([
  ['50 M', 50 * 1024 ** 2],
  [' 50M', 50 * 1024 ** 2],
  ['50 ', 50],
  ['50M ', undefined],
  ['50m', undefined],
  ['50MB', undefined],
  ['', undefined],
])('a size written as "%s" is what Python makes of it: %s', (text, bytes) => {
  expect(parseSynapseSize(text)).toBe(bytes);
});
