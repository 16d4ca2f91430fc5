import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import type { Directive } from '../../src/import/nginx/directive.ts';
import { parseNginx } from '../../src/import/nginx/parse-nginx.ts';

/** Only names, words and blocks. */
function shape(directives: readonly Directive[]): unknown[] {
  return directives.map(({ name, args, block }) =>
    block === undefined ? [name, ...args] : [name, ...args, shape(block)],
  );
}

describe('nginx text is read as nginx reads it', () => {
  it.each<[string, unknown[]]>([
    ['a b c;', [['a', 'b', 'c']]],
    [
      'a{b;}c{}',
      [
        ['a', [['b']]],
        ['c', []],
      ],
    ],
    ['a # b;\nc;', [['a', 'c']]],
    ['a b#c;', [['a', 'b#c']]],
    [`return 200 '{"m.server": "a:443"}';`, [['return', '200', '{"m.server": "a:443"}']]],
    ['return 200 "{\\"a\\": 1}";', [['return', '200', '{"a": 1}']]],
    ["a 'it\\'s';", [['a', "it's"]]],
    ['a "x\\ty\\nz";', [['a', 'x\ty\nz']]],
    ['a "\\d\\.";', [['a', '\\d\\.']]],
    ['a \\;b;', [['a', '\\;b']]],
    ['a $'.concat('{b}c {d;}'), [['a', '$'.concat('{b}c'), [['d']]]]],
    ['if ($a = "b") { c; }', [['if', '($a', '=', 'b', ')', [['c']]]]],
    ["a '';", [['a', '']]],
    ['a\n  b\r\n\tc;', [['a', 'b', 'c']]],
    ['x_by_lua_block { "}" -- }\n [[ } ]] { } } a;', [['x_by_lua_block', []], ['a']]],
  ])('%j', (text, expected) => {
    expect(shape(parseNginx(text, 'f'))).toEqual(expected);
  });

  it('with the line where each directive begins', () => {
    const found = parseNginx('a;\n\nb\n c;\n# d\ne { f; }', 'f').map(({ name, place }) => [name, place.line]);
    expect(found).toEqual([
      ['a', 1],
      ['b', 3],
      ['e', 6],
    ]);
  });
});

describe('nginx text that nginx would refuse is refused with its line', () => {
  it.each([
    ['a b', 'f:1: "a" has no ; after it, up to the end of the file.'],
    ['a {\n b;\n', 'f:1: the block of "a" is never closed.'],
    ['a;\n}', 'f:2: a } closes a block that was never opened.'],
    ['a {\n b }', 'f:2: "b" has no ; after it.'],
    ['\n\na "b;\n', 'f:3: the " that opens here is never closed.'],
    ['a "b"c;', 'f:1: "c" stands directly after a quoted text.'],
    [';', 'f:1: a ; stands where a directive should begin.'],
    ['{}', 'f:1: a { stands where a directive should begin.'],
    ['x_by_lua_block { "', 'f:1: the block of "x_by_lua_block" is never closed.'],
    ['a {'.repeat(70), 'f:1: blocks are nested more than 64 deep.'],
  ])('%j', (text, message) => {
    let thrown: unknown;
    try {
      parseNginx(text, 'f');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SidecarError);
    expect((thrown as SidecarError).message).toBe(message);
  });
});
