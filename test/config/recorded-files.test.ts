import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { type LoadedConfig, loadConfig } from '../../src/config/load-config.ts';
import { readFileUpTo } from '../../src/config/read-file.ts';
import { recordFiles, replayFiles } from '../../src/config/recorded-files.ts';
import { writeConfig } from '../../src/config/write-config.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recorded-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
const configOf = (loaded: LoadedConfig): Config => {
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
};

describe('a configuration that was recorded', () => {
  it.each([
    ['a file', { file: 'sidecar.yaml', env: {} }],
    [
      'variables, a secret among them in a file',
      { file: undefined, env: { SERVER_NAME: 'a.test', HOMESERVER: 'http://h:1', STORE_FILE: 'address' } },
    ],
  ])('is read again as it was, whatever became of %s', async (_name, { file, env }) => {
    await write('sidecar.yaml', 'servers: [{ server_name: a.test, homeserver: "http://h:1" }]\nprocesses: 3\n');
    await write('address', 'postgres://u:secret@h/d\n');
    const { files, readFile } = recordFiles(readFileUpTo);
    const first = configOf(loadConfig({ file, env, cwd: folder, readFile }));
    await Promise.all(['sidecar.yaml', 'address'].map((name) => write(name, 'broken: [')));
    // As it goes from one process to another.
    const sent = JSON.parse(JSON.stringify(files)) as typeof files;
    const again = loadConfig({ file, env, cwd: folder, readFile: replayFiles(sent, () => Buffer.from('broken: [')) });
    expect(writeConfig(configOf(again))).toBe(writeConfig(first));
    expect(configOf(again).store).toEqual(first.store);
  });
});

it('a file that was not looked at then is read as it is now', () => {
  const reader = replayFiles([{ path: '/a', bytes: Buffer.from('then').toString('base64') }], () => Buffer.from('now'));
  expect([reader('/a', 10), reader('/b', 10)].map(String)).toEqual(['then', 'now']);
});

describe('the key processes', () => {
  const load = (value: string) =>
    loadConfig({
      ...{ file: 'x.yaml', env: {}, cwd: folder },
      readFile: () =>
        Buffer.from(`servers: [{ server_name: a.test, homeserver: "http://h:1" }]\nprocesses: ${value}\n`),
    });
  it.each([
    ['1', 1],
    ['64', 64],
    ['auto', 'auto'],
  ])('takes %s', (value, expected) => expect(configOf(load(value)).processes).toBe(expected));
  it.each([
    ['0', 'at least 1'],
    ['65', 'at most 64'],
    ['many', 'from 1 to 64, or auto'],
    ['1.5', 'from 1 to 64, or auto'],
    ['[2]', 'processes'],
  ])('refuses %s', (value, said) => {
    const loaded = load(value);
    expect(loaded.ok ? [] : loaded.problems).toHaveLength(1);
    expect(JSON.stringify(loaded.ok ? [] : loaded.problems)).toContain(said);
  });
});
