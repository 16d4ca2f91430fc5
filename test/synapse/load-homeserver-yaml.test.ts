import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readFileUpTo } from '../../src/config/read-file.ts';
import { loadHomeserverYaml } from '../../src/synapse/load-homeserver-yaml.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'synapse-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const load = (...names: string[]) =>
  loadHomeserverYaml(
    names.map((name) => join(folder, name)),
    { readFile: readFileUpTo },
  );

it('takes the .yaml files of a folder in alphabetical order, and files after them', () => {
  mkdirSync(join(folder, 'conf.d', 'sub.yaml'), { recursive: true });
  rmSync(join(folder, 'conf.d', 'sub.yaml'), { recursive: true });
  writeFileSync(join(folder, 'conf.d', 'b.yaml'), 'server_name: second\n');
  writeFileSync(join(folder, 'conf.d', 'a.yaml'), 'server_name: first\nmax_upload_size: 1M\n');
  writeFileSync(join(folder, 'conf.d', 'c.conf'), 'server_name: never\n');
  expect(load('conf.d').yaml).toMatchObject({ serverName: 'second', maxUploadSize: 1_048_576 });
  writeFileSync(join(folder, 'last.yaml'), 'server_name: third\n');
  expect(load('conf.d', 'last.yaml').yaml?.serverName).toBe('third');
});

it.each([
  ['is not there', () => {}, 'does not exist'],
  ['is larger than 1 MiB', (path: string) => writeFileSync(path, '#'.repeat(1_048_577)), 'is larger than 1 MiB'],
  ['is no text', (path: string) => writeFileSync(path, Buffer.from([0x61, 0xff])), 'is not UTF-8 text'],
  [
    'is a folder of 301 files',
    (path: string) => {
      mkdirSync(path);
      for (let n = 0; n < 301; n++) writeFileSync(join(path, `${n}.yaml`), '');
    },
    'there are more than 300 files ending in .yaml',
  ],
  [
    'is a folder of nine large files',
    (path: string) => {
      mkdirSync(path);
      for (let n = 0; n < 9; n++) writeFileSync(join(path, `${n}.yaml`), `#${' '.repeat(1_000_000)}`);
    },
    'the files are larger than 8 MiB together',
  ],
  ['is an empty folder', (path: string) => mkdirSync(path), 'there is no file ending in .yaml'],
])('says so in a sentence when the file %s', (_, prepare, what) => {
  prepare(join(folder, 'homeserver.yaml'));
  const { yaml, problems } = load('homeserver.yaml');
  expect(yaml).toBeUndefined();
  expect(problems).toMatchObject([{ place: { file: join(folder, 'homeserver.yaml'), line: undefined }, what }]);
});
