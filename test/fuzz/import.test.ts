import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { readCaddyFacts } from '../../src/cli/import/read-caddy-facts.ts';
import { readNginxFacts } from '../../src/cli/import/read-nginx-facts.ts';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import { createPatternMatcher } from '../../src/import/pattern-matcher.ts';
import { planImport } from '../../src/import/plan-import.ts';
import { createSourceFiles } from '../../src/import/source-files.ts';
import { loadText } from '../config/load-file.ts';

/** Milliseconds for each property. */
const LONG = process.env['CI'] !== undefined;
const BUDGET = LONG ? 20_000 : 1_000;
const HINTS = { serverName: undefined, homeserver: undefined, store: undefined };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuzz-import-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is printed for a text; undefined where it is refused in one sentence. Anything else that is thrown is a failure. */
function importText(name: string, text: string): string | undefined {
  const path = join(folder, name);
  writeFileSync(path, text);
  const files = createSourceFiles(folder);
  const matcher = createPatternMatcher();
  try {
    const facts =
      name === 'nginx.conf' ? readNginxFacts([path], files, matcher) : readCaddyFacts([path], files, matcher);
    return planImport({ ...facts, certificates: new Map() }, HINTS).yaml;
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error;
    expect(error.message).not.toContain('\n');
    expect(error.hint).toBeDefined();
    return undefined;
  }
}

/** What is printed has to load, but for rules between servers that no proxy has. */
function expectYaml(yaml: string | undefined): void {
  if (yaml === undefined) return;
  const loaded = loadText(yaml);
  const problems = loaded.ok
    ? []
    : loaded.problems.filter(({ what }) => !/already go to|is the server_name of|taken by|overlap/.test(what));
  expect(formatConfigProblems(problems)).toBe('');
}

function check(
  property:
    | fc.IProperty<[string[], string]>
    | fc.IProperty<[string]>
    | fc.IProperty<[string[]]>
    | fc.IProperty<[unknown]>,
): void {
  fc.assert(property as fc.IProperty<unknown[]>, {
    interruptAfterTimeLimit: BUDGET,
    numRuns: 1_000_000,
    markInterruptAsFailure: false,
  });
}

const PIECES = [
  ...[
    'server',
    'location',
    'listen',
    'server_name',
    'proxy_pass',
    'return',
    'if',
    'set',
    'map',
    'upstream',
    'rewrite',
    'include',
  ],
  ...[
    '{',
    '}',
    ';',
    '{',
    '}',
    ';',
    '\n',
    '\n',
    '"',
    "'",
    '\\',
    '#',
    '$',
    '${',
    '(',
    ')',
    '~',
    '~*',
    '=',
    '^~',
    '@x',
    '*',
    '/',
  ],
  ...[
    '443',
    'ssl',
    '8448',
    'example.com',
    'matrix.example.com',
    'matrix.*',
    '_',
    '/_matrix',
    '/.well-known/matrix/server',
  ],
  ...['http://a:8008', 'https://b', 'http://unix:/run/x:', '$request_uri', '$uri', '$host', '$m', '200', '308', '404'],
  ...[
    `'{"m.server":"matrix.example.com:443"}'`,
    '"{\\"m.homeserver\\":{}}"',
    '^(.*)*$',
    '(a+)+$',
    'last',
    'break',
    'try_files',
    'error_page',
  ],
  ...[
    'content_by_lua_block',
    '[[',
    ']]',
    '--',
    'alias',
    'root',
    '/etc',
    'allow',
    'deny',
    'all',
    'default',
    '\u0000',
    'é',
    '\u2028',
  ],
];
const CADDY_PIECES = [
  ...[
    'example.com',
    'matrix.example.com:8448',
    ':443',
    'http://',
    '(s)',
    '&(r)',
    'import',
    's',
    'handle',
    'handle_path',
    'route',
    'respond',
  ],
  ...[
    '{',
    '}',
    '{',
    '}',
    '\n',
    '\n',
    '\n',
    '"',
    '`',
    '<<X',
    'X',
    '#',
    '\\',
    '*',
    '@m',
    'path',
    'path_regexp',
    'not',
    'remote_ip',
    'host',
  ],
  ...[
    '/_matrix/*',
    '/.well-known/matrix/server',
    'reverse_proxy',
    'localhost:8008',
    'unix//run/x',
    'h2c://a',
    '{args[0]}',
    '{$A:b}',
    '{uri}',
  ],
  ...[
    'redir',
    '308',
    '200',
    '`{"m.server":"matrix.example.com:443"}`',
    'tls',
    'internal',
    'rewrite',
    'uri',
    'strip_prefix',
    'root',
    'file_server',
  ],
];
const words = (pieces: readonly string[]) =>
  fc.array(
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...pieces) }, fc.string({ unit: 'binary', maxLength: 6 })),
    { maxLength: 120 },
  );

describe('a configuration of nginx, whatever is in it', () => {
  it('becomes YAML that loads, or is refused in one sentence', () =>
    check(
      fc.property(words(PIECES), fc.constantFrom('', ' '), (some, between) =>
        expectYaml(importText('nginx.conf', some.join(between))),
      ),
    ));

  it('that is right in its form becomes YAML that loads', () => {
    const word = fc.constantFrom(...PIECES.filter((piece) => !/^[{};\n"'\\#]$|^\$\{$/.test(piece)));
    const { block } = fc.letrec<{ directive: string; block: string }>((tie) => ({
      directive: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.array(word, { minLength: 2, maxLength: 4 }).map((some) => `${some.join(' ')};`),
        fc
          .tuple(fc.array(word, { minLength: 1, maxLength: 3 }), tie('block'))
          .map(([some, inner]) => `${some.join(' ')} {${inner}}`),
      ),
      block: fc.array(tie('directive'), { maxLength: 6 }).map((some) => some.join('\n')),
    }));
    const site = block.map(
      (inside) =>
        `server { listen 443 ssl; server_name example.com matrix.example.com;\n${inside}\nlocation /_matrix { proxy_pass http://a:8008; } }`,
    );
    check(fc.property(site, (text) => expectYaml(importText('nginx.conf', text))));
  });
});

describe('a configuration of Caddy, whatever is in it', () => {
  it('becomes YAML that loads, or is refused in one sentence', () =>
    check(fc.property(words(CADDY_PIECES), (some) => expectYaml(importText('Caddyfile', some.join(' '))))));

  it('in JSON becomes YAML that loads, or is refused in one sentence', () => {
    const leaf = fc.oneof(
      fc.constantFrom('subroute', 'reverse_proxy', 'static_response', '/_matrix/*', 'example.com', ':443', 'a:8008'),
      fc.integer(),
    );
    const keys = [
      'handler',
      'routes',
      'match',
      'handle',
      'path',
      'host',
      'upstreams',
      'dial',
      'not',
      'body',
      'headers',
      'response',
      'set',
      'group',
    ];
    const { any } = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { depthSize: 'medium' },
        leaf,
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...keys), tie('any'), { maxKeys: 4 }),
      ),
    }));
    const config = fc
      .array(any)
      .map((routes) => ({ apps: { http: { servers: { a: { listen: [':443', ':8448', 'bad'], routes } } } } }));
    check(fc.property(config, (value) => expectYaml(importText('a.json', JSON.stringify(value)))));
  });
});

describe('a configuration that is made to be slow', () => {
  const MIB = 1024 * 1024;
  const many = (count: number, write: (index: number) => string): string =>
    Array.from({ length: LONG ? count : count / 5 }, (_, index) => write(index)).join('\n');
  const site = (inside: string): string => `server { listen 443 ssl; server_name a.example.com; ${inside} }`;
  const DEEP = 'a {'.repeat((10 * MIB - 10) / 3);
  it.each([
    ['10 MB of blocks in blocks', 'nginx.conf', DEEP],
    ['10 MB of blocks that close', 'nginx.conf', '}'.repeat(10 * MIB - 1)],
    ['10 MB in a quote that is never closed', 'nginx.conf', `a "${'b'.repeat(10 * MIB - 10)}`],
    ['10 MB of backslashes', 'nginx.conf', '\\'.repeat(10 * MIB - 10)],
    ['10 MB of one word', 'nginx.conf', 'a'.repeat(10 * MIB - 10)],
    ['10 MB of semicolons', 'nginx.conf', 'a;'.repeat(5 * MIB - 10)],
    ['10 MB of words', 'nginx.conf', `a ${'b '.repeat(5 * MIB - 10)};`],
    ['10 MB of comments', 'nginx.conf', '#\n'.repeat(5 * MIB - 10)],
    ['10 MB of Lua', 'nginx.conf', `content_by_lua_block {${'[[ "'.repeat((10 * MIB - 50) / 4)}`],
    ['10 MB of long brackets', 'nginx.conf', `content_by_lua_block {${'[=['.repeat((10 * MIB - 50) / 3)}`],
    ['more than 10 MB', 'nginx.conf', ' '.repeat(10 * MIB + 1)],
    ['an include of itself', 'nginx.conf', 'include nginx.conf;'],
    [
      'expressions that backtrack',
      'nginx.conf',
      `server { listen 443 ssl; server_name a.example.com; ${Array.from({ length: 200 }, (_, i) => `location ~ ^(.*)*x${i}$ { proxy_pass http://a:8008; }`).join('\n')} }`,
    ],
    [
      'maps that grow',
      'nginx.conf',
      `map $a $m { default "$m$m$m$m"; } server { listen 443 ssl; server_name a.example.com; location / { set $a $m$m$m; set $a $a$a$a; proxy_pass http://$m$m; } }`,
    ],
    ['many locations', 'nginx.conf', site(many(90_000, (i) => `location /l${i} { return 404; }`))],
    [
      'many expressions',
      'nginx.conf',
      site(many(60_000, (i) => `location ~ ^/l${i}/[^/]+$ { proxy_pass http://a:8008; }`)),
    ],
    [
      'many servers',
      'nginx.conf',
      many(
        1900,
        (i) =>
          `server { listen 443 ssl; server_name m${i}.example.com; location /_matrix { proxy_pass http://h${i}:8008; } }`,
      ),
    ],
    ['too many servers', 'nginx.conf', many(90_000, () => 'server { listen 443; }')],
    [
      'many names',
      'nginx.conf',
      `server { listen 443 ssl; server_name ${many(4900, (i) => `m${i}.example.com`)}; location /_matrix { proxy_pass http://h:8008; } }`,
    ],
    [
      'a long map',
      'nginx.conf',
      `map $uri $b { ${many(60_000, (i) => `~^/m${i}.*$ b${i};`)} default c; } ${site('location / { proxy_pass http://$b:8008; }')}`,
    ],
    ['10 MB of braces', 'Caddyfile', '{\n'.repeat(5 * MIB - 10)],
    ['10 MB in a backquote', 'Caddyfile', `a {\n\`${'b'.repeat(10 * MIB - 10)}`],
    ['heredocs without an end', 'Caddyfile', '<<A\n'.repeat(2 * MIB)],
    ['one line of 10 MB', 'Caddyfile', 'a '.repeat(5 * MIB - 10)],
    ['10 MB of not', 'Caddyfile', `a.example.com {\n@m ${'not '.repeat(2 * MIB)}\nreverse_proxy @m b:1\n}`],
    ['a snippet in itself', 'Caddyfile', '(s) {\nimport s\nimport s\n}\na.example.com {\nimport s\n}'],
    ['10 MB of JSON in lists', 'a.json', '['.repeat(10 * MIB - 10)],
    ['deep JSON', 'a.json', `${'{"handle":[{"handler":"subroute","routes":['.repeat(2000)}${']}]}'.repeat(2000)}`],
    [
      'deep routes',
      'a.json',
      JSON.stringify({
        apps: {
          http: {
            servers: {
              a: {
                listen: [':443'],
                routes: [
                  JSON.parse(`${'{"handle":[{"handler":"subroute","routes":['.repeat(500)}${']}]}'.repeat(500)}`),
                ],
              },
            },
          },
        },
      }),
    ],
  ])('is refused, or read, in seconds: %s', (_, name, text) => {
    // Of the processor: others may have it as well.
    const begun = process.cpuUsage();
    importText(name, text);
    const { user, system } = process.cpuUsage(begun);
    expect((user + system) / 1e6).toBeLessThan(20);
  });
});
