import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '../src');

/** Which folder may import which. A new arrow is a decision: add it here, and say why in docs/decisions.md. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  matrix: ['base'],
  // The generated pages are made together: that of the metrics too. What is left out follows from Synapse's own configuration.
  config: ['base', 'matrix', 'observe', 'synapse'],
  discovery: ['base', 'matrix'],
  // What is published is looked at as those do who look for it.
  advise: ['base', 'matrix', 'discovery'],
  // Certificates are read as the sidecar reads its own.
  'federation-tester': ['base', 'matrix', 'discovery', 'tls'],
  store: ['base'],
  tls: ['base', 'store'],
  acme: ['base', 'store', 'tls'],
  listen: ['base', 'tls'],
  route: ['base', 'matrix'],
  forward: ['base', 'matrix'],
  observe: ['base'],
  // The federation tester's page and API show what it renders.
  admin: ['base', 'matrix', 'observe', 'federation-tester'],
  // What one process tells of itself, those of all processes together tell of the whole.
  processes: ['base', 'observe', 'admin'],
  synapse: ['base', 'matrix'],
  import: ['base', 'matrix', 'config'],
  doctor: ['base', 'matrix', 'discovery', 'federation-tester', 'synapse'],
  app: [
    'base',
    'matrix',
    'config',
    'store',
    'tls',
    'acme',
    'listen',
    'route',
    'forward',
    'observe',
    'admin',
    'discovery',
    'federation-tester',
    // The documents at an apex elsewhere are watched against what it says.
    'advise',
  ],
  cli: [
    'app',
    'processes',
    'advise',
    'discovery',
    'federation-tester',
    'doctor',
    'synapse',
    'import',
    'base',
    'matrix',
    'config',
    'store',
    'tls',
    'acme',
    'listen',
    'route',
    'forward',
    'observe',
    'admin',
  ],
  'main.ts': ['cli'],
};

/** What comes in by parameter, and the files that own the real thing. */
const AMBIENT: readonly { readonly what: string; readonly pattern: RegExp; readonly owners: readonly string[] }[] = [
  { what: 'the clock', pattern: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/, owners: ['base/system.ts'] },
  { what: 'timers', pattern: /(?<!\.)\bset(Timeout|Interval)\(/, owners: ['base/system.ts'] },
  { what: 'dice', pattern: /\bMath\.random\(|\brandomBytes\(|\brandomUUID\(/, owners: ['base/system.ts'] },
  { what: 'DNS', pattern: /node:dns/, owners: ['base/system.ts', 'base/dns.ts'] },
  { what: 'dialling', pattern: /\b(net|tls)?\.?connect\(\{(?!\s*socket:)|\bfetch\(/, owners: ['base/system.ts'] },
  { what: 'the environment', pattern: /\bprocess\.env\b/, owners: ['main.ts'] },
  { what: 'ending the process', pattern: /\bprocess\.exit\(/, owners: [] },
];

/** Text that a browser runs: it has no System. */
const FOR_BROWSERS = new Set(['admin/page/script.ts']);

interface SourceFile {
  readonly path: string;
  readonly folder: string;
  readonly code: string;
  readonly imports: readonly string[];
}

function readSources(): SourceFile[] {
  const paths = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  return paths.map((path) => {
    const code = readFileSync(join(SRC, path), 'utf8');
    const imports = [...code.matchAll(/from '(\.[^']+)'|import\('(\.[^']+)'\)/g)].map((match) =>
      relative(SRC, resolve(SRC, path, '..', match[1] ?? match[2]!)),
    );
    return { path, folder: folderOf(path), code, imports };
  });
}

function folderOf(path: string): string {
  return path.split('/')[0]!;
}

const sources = readSources();
/** Calls on the System parameter are the way to go, not a way around it. */
const withoutSystemCalls = (code: string): string =>
  code.replaceAll(/\b(deps\.)?(#?system)\.\w+\(/g, '').replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '');

describe('the house', () => {
  it('has no folder without a place in the table of arrows', () => {
    expect([...new Set(sources.map((source) => source.folder))].filter((folder) => !(folder in ARROWS))).toEqual([]);
  });

  it('has no arrow between folders that the table does not name', () => {
    const foreign = sources.flatMap(({ path, folder, imports }) =>
      imports
        .filter((target) => folderOf(target) !== folder && !ARROWS[folder]!.includes(folderOf(target)))
        .map((target) => `${path} -> ${target}`),
    );
    expect(foreign).toEqual([]);
  });

  it('has no cycle among its files', () => {
    const byPath = new Map(sources.map((source) => [source.path, source]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) return void cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      if (done.has(path)) return;
      for (const next of byPath.get(path)?.imports ?? []) visit(next, [...trail, path]);
      done.add(path);
    };
    for (const { path } of sources) visit(path, []);
    expect(cycles).toEqual([]);
  });

  it.each(AMBIENT)('takes $what from nowhere but its owner', ({ pattern, owners }) => {
    const users = sources.filter(
      ({ code, path }) => pattern.test(withoutSystemCalls(code)) && !owners.includes(path) && !FOR_BROWSERS.has(path),
    );
    expect(users.map((source) => source.path)).toEqual([]);
  });

  it('has no default exports, no barrels and no drawers', () => {
    const drawers = sources.filter(({ path }) =>
      /(^|\/)(utils?|helpers?|common|misc|index|manager)(\.ts|\/)/.test(path),
    );
    const defaults = sources.filter(({ code }) => /^export default/m.test(code));
    const barrels = sources.filter(({ code }) => /^export \*/m.test(code));
    expect([...drawers, ...defaults, ...barrels].map((source) => source.path)).toEqual([]);
  });

  it('has no file of more than 300 lines', () => {
    expect(sources.filter((source) => source.code.split('\n').length > 301).map((source) => source.path)).toEqual([]);
  });
});
