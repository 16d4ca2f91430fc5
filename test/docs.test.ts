import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../src/base/version.ts';
import { FINDING_KINDS } from '../src/federation-tester/finding-kinds.ts';

const ROOT = resolve(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => read(join('src', path)));

/** What the log has as `id`, of which people ask. */
const LOG_IDS = ['loop-back-failed', 'store-lost-with-container', 'upstream-instance-ejected', 'upstream-name-failing'];

/** Codes that are not ours: what a library calls its own errors. */
const FOREIGN = new Set(['custom']);

function codesInSource(): string[] {
  const patterns = [
    /\bcode: '([a-z0-9-]+)'/g,
    /\bmake\(\s*'([a-z0-9-]+)'/g,
    /\bid: '([a-z0-9-]+)',\s*severity\b/g,
    /\bcode: [^'\n]+\? '([a-z0-9-]+)'/g,
    /\bcode: [^'\n]+\? '[a-z0-9-]+' : '([a-z0-9-]+)'/g,
  ];
  const found = sources.flatMap((code) =>
    patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1]!)),
  );
  const logged = LOG_IDS.filter((id) => sources.some((code) => code.includes(`'${id}'`)));
  return [...new Set([...found, ...logged, ...Object.keys(FINDING_KINDS)])].filter((code) => !FOREIGN.has(code)).sort();
}

describe('docs/troubleshooting.md', () => {
  const entries = [...read('docs/troubleshooting.md').matchAll(/^### (.+)$/gm)].map((match) => match[1]!).sort();

  it('has an entry for every code, and none for codes that are gone', () => {
    expect(codesInSource().length).toBeGreaterThan(20);
    expect(entries).toEqual(codesInSource());
  });
});

describe('docs/life-of-a-request.md', () => {
  it('names only files that exist', () => {
    const named = [
      ...read('docs/life-of-a-request.md').matchAll(
        /\b((?:base|matrix|tls|listen|route|forward|app)\/[a-z0-9-]+\.ts)\b/g,
      ),
    ].map((match) => match[1]!);
    const present = new Set(readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !present.has(path))).toEqual([]);
  });
});

describe('the version', () => {
  it('is the same in package.json and in the code', () => {
    expect(VERSION).toBe((JSON.parse(read('package.json')) as { version: string }).version);
  });
});

describe('links between documents', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'deploy/demo/README.md',
    ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md'))
      .map((path) => join('docs', path)),
  ];

  it.each(pages)('%s links to files that exist', (page) => {
    const targets = [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)/g)].map(
      (match) => match[1]!,
    );
    const missing = targets.filter((target) => {
      try {
        read(join(page, '..', target));
        return false;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code !== 'EISDIR';
      }
    });
    expect(missing).toEqual([]);
  });
});
