import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNginx } from '../../src/import/nginx/read-nginx.ts';
import { createSourceFiles } from '../../src/import/source-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'read-nginx-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function read(...paths: string[]) {
  const { directives, missing } = readNginx(
    paths.map((path) => join(folder, path)),
    createSourceFiles(folder),
  );
  return {
    names: directives.map(({ name, place }) => `${name} ${place.file}:${place.line}`),
    missing: missing.map(({ pattern }) => pattern),
  };
}

describe('includes lead where nginx would find them', () => {
  it.each<[string, Record<string, string>, string[]]>([
    [
      'from the folder of the main file',
      { 'nginx.conf': 'include a/b.conf;', 'a/b.conf': 'include c.conf; b;', 'c.conf': 'c;' },
      ['c c.conf:1', 'b a/b.conf:1'],
    ],
    [
      'by a pattern, sorted',
      { 'nginx.conf': 'include s/*.conf;', 's/2.conf': 'b;', 's/1.conf': 'a;', 's/3.txt': 'c;', 's/.4.conf': 'd;' },
      ['a s/1.conf:1', 'b s/2.conf:1'],
    ],
    [
      'by a pattern for folders',
      { 'nginx.conf': 'include s/*/[ab]?.conf;', 's/x/a1.conf': 'a;', 's/y/b2.conf': 'b;', 's/y/c3.conf': 'c;' },
      ['a s/x/a1.conf:1', 'b s/y/b2.conf:1'],
    ],
    [
      'in a copy of /etc/nginx',
      { 'nginx.conf': 'include /etc/nginx/of-no-machine/a.conf;', 'of-no-machine/a.conf': 'a;' },
      ['a of-no-machine/a.conf:1'],
    ],
    ['within blocks', { 'nginx.conf': 'x { include a.conf; }', 'a.conf': 'a;' }, ['x nginx.conf:1']],
    ['twice', { 'nginx.conf': 'include a.conf; include a.conf;', 'a.conf': 'a;' }, ['a a.conf:1', 'a a.conf:1']],
  ])('%s', (_, files, names) => {
    write(files);
    expect(read('nginx.conf').names).toEqual(names);
  });

  it('from the folder above, for the file of one site', () => {
    write({ 'sites-enabled/a': 'include snippets/s.conf;', 'snippets/s.conf': 's;' });
    expect(read('sites-enabled/a').names).toEqual(['s snippets/s.conf:1']);
  });

  it('and what is nowhere is named, unless it is a pattern', () => {
    write({ 'nginx.conf': 'include a.conf; include b/*.conf;' });
    expect(read('nginx.conf')).toEqual({ names: [], missing: ['a.conf'] });
  });
});

describe('a folder stands for', () => {
  it.each<[string, Record<string, string>, string[]]>([
    ['its nginx.conf', { 'd/nginx.conf': 'n;', 'd/a.conf': 'a;' }, ['n d/nginx.conf:1']],
    [
      'else its .conf files',
      { 'd/b.conf': 'b;', 'd/a.conf': 'a;', 'd/README': 'no text of nginx' },
      ['a d/a.conf:1', 'b d/b.conf:1'],
    ],
    ['else all of its files', { 'd/default': 'a;', 'd/matrix': 'b;' }, ['a d/default:1', 'b d/matrix:1']],
  ])('%s', (_, files, names) => {
    write(files);
    expect(read('d').names).toEqual(names);
  });
});

describe('what cannot be read is refused in one sentence', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ['a file that is not there', {}, /^nginx\.conf does not exist\.$/],
    ['a file that includes itself', { 'nginx.conf': 'include nginx.conf;' }, /^nginx\.conf includes itself\.$/],
    [
      'a circle',
      { 'nginx.conf': 'include a.conf;', 'a.conf': 'include b.conf;', 'b.conf': 'include a.conf;' },
      /^a\.conf includes itself\.$/,
    ],
    [
      'includes without end',
      Object.fromEntries(
        Array.from({ length: 30 }, (_, i) => [i === 0 ? 'nginx.conf' : `${i}.conf`, `include ${i + 1}.conf;`]),
      ),
      /nested more than 16 deep/,
    ],
    [
      'includes that double',
      Object.fromEntries(
        Array.from({ length: 15 }, (_, i) => [
          i === 0 ? 'nginx.conf' : `${i}.conf`,
          `${'a; '.repeat(50)}include ${i + 1}.conf; include ${i + 1}.conf; include ${i + 1}.conf;`,
        ]),
      ),
      /more than 400000 directives/,
    ],
  ])('%s', (_, files, message) => {
    write(files);
    expect(() => read('nginx.conf')).toThrow(message);
  });

  it('a link to itself', () => {
    symlinkSync('nginx.conf', join(folder, 'nginx.conf'));
    expect(() => read('nginx.conf')).toThrow(/does not exist/);
  });

  it('an endless file', () => {
    symlinkSync('/dev/zero', join(folder, 'nginx.conf'));
    expect(() => read('nginx.conf')).toThrow(/larger than 10 MiB/);
  });
});
