import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import type { LoadedConfig } from '../../src/config/load-config.ts';
import { configTable } from '../../src/config/table.ts';
import { type Entry, fileKey, type Keys, type Section } from '../../src/config/table-shape.ts';
import { listVariables } from '../../src/config/variables.ts';
import { writeConfig } from '../../src/config/write-config.ts';
import { loadText, loadVariables } from '../config/load-file.ts';
import { anyText } from '../harness/any-text.ts';
import { isThorough } from '../harness/thorough.ts';

const TIME = { interruptAfterTimeLimit: 8_000, numRuns: isThorough ? 1_000 : 250 } as const;

function collectNames(keys: Keys): readonly string[] {
  return Object.entries(keys).flatMap(([name, entry]) => {
    if (entry.kind === 'key') return [name];
    const inner = entry.kind === 'list' ? [entry.of] : entry.kind === 'variants' ? Object.values(entry.forms) : [entry];
    return [name, ...inner.flatMap((section) => collectNames(section.keys))];
  });
}

/** The one promise: a configuration, or at least one problem, each with a what and a fix on its own line. */
function holds(loaded: LoadedConfig): void {
  if (loaded.ok) {
    const again = loadText(writeConfig(loaded.config));
    expect(again.ok ? 'loads again' : formatConfigProblems(again.problems)).toBe('loads again');
    return;
  }
  expect(loaded.problems.length).toBeGreaterThan(0);
  for (const { what, fix, line, column, file } of loaded.problems) {
    expect(what).not.toBe('');
    expect(fix).not.toBe('');
    expect(file).not.toBe('');
    expect(what).not.toContain('\n');
    expect(what).not.toContain('undefined');
    expect(what).not.toContain('Invalid input');
    expect([line, column].every((n) => n === undefined || n >= 1)).toBe(true);
  }
}

const names = [...collectNames(configTable.keys), 'm.server', '__proto__', 'constructor', '<<', ''];
const scalars = fc.oneof(
  fc.constantFrom<unknown>('off', 'here', 'acme', 443, '443', '[::1]:443', 'example.com', 'http://a', 'certs', '10s'),
  fc.constantFrom<unknown>('postgres://u:p@h/d', 'files', 'both', '10.0.0.0/8', '1M', 'a@b', '~', '', null, true, -1),
  fc.string({ maxLength: 12 }),
  fc.double(),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 8 })), tie('tree'), { maxKeys: 6 }),
  ),
}));

/** Trees that follow the table, with something else here and there. */
function likely({ keys, combinations = [Object.keys(keys)] }: Section): fc.Arbitrary<unknown> {
  const forms = combinations.map((names) => {
    const fields = names.map((name) => {
      return [name, fc.oneof({ weight: 150, arbitrary: likelyEntry(keys[name]!) }, { weight: 1, arbitrary: tree })];
    });
    const needed = names.filter((name) => combinations.length > 1 || isNeeded(keys[name]!));
    return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: needed });
  });
  const once = (record: object) => Object.entries(record).filter(([name]) => !isTwin(record, keys, name));
  return fc.oneof(...forms).map((record) => Object.fromEntries(once(record)));
}

function likelyEntry(entry: Entry): fc.Arbitrary<unknown> {
  if (entry.kind === 'list') return fc.array(likely(entry.of), { minLength: 1, maxLength: 2 });
  if (entry.kind === 'variants') return fc.oneof(...Object.values(entry.forms).map(likely));
  if (entry.kind === 'section') return likely(entry);
  return fc.constantFrom(...(entry.presence === 'default' ? [entry.default, entry.example] : [entry.example]));
}

function isNeeded(entry: Entry): boolean {
  return entry.kind === 'list' || (entry.kind === 'key' && entry.presence === 'required' && entry.file !== true);
}

/** Whether the key names a file for a secret that is written as well. */
function isTwin(record: object, keys: Keys, name: string): boolean {
  return Object.entries(keys).some(
    ([secret, entry]) => entry.kind === 'key' && entry.file === true && fileKey(secret) === name && secret in record,
  );
}

/** The files that the table's examples name, each with something that can be any of the secrets. */
function listFiles(keys: Keys): Record<string, string> {
  const files = Object.entries(keys).flatMap(([name, entry]): [string, string][] => {
    if (entry.kind === 'key') return name.endsWith('_file') ? [[`/srv/${String(entry.example)}`, 'a2V5']] : [];
    const inner = entry.kind === 'list' ? [entry.of] : entry.kind === 'variants' ? Object.values(entry.forms) : [entry];
    return inner.flatMap((section) => Object.entries(listFiles(section.keys)));
  });
  return Object.fromEntries(files);
}

const files = listFiles(configTable.keys);

describe('whatever is written, the configuration is read or refused in sentences', () => {
  it('for arbitrary text', () => {
    const text = fc.oneof(
      anyText(),
      fc.string({ unit: fc.constantFrom(...'a:-[]{}&*!|>\'"%@`#?, \n\t\r<'.split('')) }),
    );
    fc.assert(
      fc.property(text, (yaml) => holds(loadText(yaml))),
      TIME,
    );
  });

  it('for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => holds(loadText(bytes))),
      TIME,
    );
  });

  it('for the sample with a part of it replaced', () => {
    const sample = stringify({
      servers: [{ server_name: 'a.org', homeserver: 'http://a', delegate_to: 'b.org:443' }],
      listen: { https: [443, '127.0.0.1:444'] },
    });
    const edit = fc.tuple(fc.nat(sample.length), fc.nat(20), fc.string({ maxLength: 6 }));
    fc.assert(
      fc.property(edit, ([at, length, text]) =>
        holds(loadText(sample.slice(0, at) + text + sample.slice(at + length))),
      ),
      TIME,
    );
  });

  it('for arbitrary trees', () => {
    fc.assert(
      fc.property(tree, (value) => holds(loadText(stringify(value)))),
      TIME,
    );
  });

  it('for trees that are nearly right, some of which load', () => {
    let sound = 0;
    const property = fc.property(likely(configTable), (value) => {
      const loaded = loadText(stringify(value), { files });
      if (loaded.ok) sound += 1;
      holds(loaded);
    });
    fc.assert(property, TIME);
    expect(sound).toBeGreaterThan(0);
  });

  it('for arbitrary variables', () => {
    const name = fc.constantFrom(...listVariables().flatMap((variable) => [variable.name, `${variable.name}_FILE`]));
    const value = fc.oneof(scalars.map(String), fc.string({ maxLength: 20 }));
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 8 }), (env) =>
        holds(loadVariables(env, { '/srv/certs': 'off' })),
      ),
      TIME,
    );
  });
});
