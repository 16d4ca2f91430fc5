import { describe, expect, it } from 'vitest';
import { formatForTerminal } from '../../src/observe/terminal-line.ts';

const TIME = '2026-06-01T12:34:56.789Z';
const format = (fields: object, colour = false): string =>
  formatForTerminal(`${JSON.stringify({ level: 'info', time: TIME, ...fields })}\n`, { colour });

describe('a line of the log on a terminal', () => {
  it.each([
    ['a sentence alone', { msg: 'Stopped.' }, '12:34:56Z INFO  Stopped.'],
    [
      'fields behind it, lists and parts in short',
      {
        ...{ homeserver: 'http://synapse:8008', names: ['a.test', 'b.test'], none: [], days: 3, ok: true, why: null },
        ...{ listeners: { https: ['0.0.0.0:443', '[::]:443'], admin: [] }, certificates: [{ a: 1 }, { a: 2 }] },
        msg: 'Ready.',
      },
      '12:34:56Z INFO  Ready. homeserver=http://synapse:8008 names=a.test,b.test days=3 ok=true why=null listeners.https=0.0.0.0:443,[::]:443 certificates=2',
    ],
    [
      'what to do on the next line',
      { level: 'warn', code: 'descriptors-few', hint: 'Raise the limit.', msg: 'Few descriptors.' },
      '12:34:56Z WARN  Few descriptors. code=descriptors-few\n                → Raise the limit.',
    ],
    [
      'a request in the words of HTTP',
      {
        ...{ request_id: 'abc', client: '192.0.2.1', listener: 'https', method: 'GET', host: 'a.test', path: '/x' },
        ...{ status: 200, ms: 12, http: '2', surface: 'client', pool: 'main', msg: 'request' },
      },
      '12:34:56Z INFO  GET a.test/x 200 in 12 ms request_id=abc client=192.0.2.1 surface=client pool=main',
    ],
    [
      'an error with its cause and the way out, said once',
      {
        level: 'error',
        err: { type: 'SidecarError', message: 'No.', hint: 'Do this.', cause: { message: 'ENOSPC' } },
        msg: 'It failed: No.',
      },
      '12:34:56Z ERROR It failed: No.\n                ENOSPC\n                → Do this.',
    ],
    [
      'where a defect is',
      { level: 'error', err: { message: 'x', stack: 'Error: x\n    at f (a.ts:1:2)' }, msg: 'Unexpected.' },
      '12:34:56Z ERROR Unexpected.\n                Error: x\n                    at f (a.ts:1:2)',
    ],
    [
      'lines of text below it',
      { level: 'error', problems: ['a.yaml:3 is wrong', 'a.yaml:4 too'], msg: 'Errors.' },
      '12:34:56Z ERROR Errors.\n                a.yaml:3 is wrong\n                a.yaml:4 too',
    ],
  ])('has %s', (_what, fields, expected) => {
    expect(format(fields)).toBe(`${expected}\n`);
  });

  it('is coloured where that is wanted: the level for its weight, fields faint', () => {
    expect(format({ level: 'warn', a: 1, fix: 'Do it.', msg: 'Hm.' }, true)).toBe(
      '\x1b[2m12:34:56Z\x1b[0m \x1b[33mWARN \x1b[0m Hm. \x1b[2ma=1\x1b[0m\n                \x1b[36m→ Do it.\x1b[0m\n',
    );
  });

  it('does not let a stranger speak to the terminal', () => {
    const evil = '\x1b]0;owned\x07\x9b2J\r\n\u202egnp.exe\u2028';
    const line = format({
      ...{ method: 'GET', host: evil, path: evil, status: 200, ms: 1 },
      why: evil,
      msg: 'request',
    });
    expect(line.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\u2028]/u);
    const below = format({ msg: evil, err: { message: evil, stack: `x${evil}` }, hint: evil, [evil]: [evil] });
    expect(below.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\u2028]/u);
  });

  it('has values of a bounded length, quoted where they have blanks', () => {
    expect(format({ why: 'x'.repeat(1e5), msg: 'A.' }).length).toBeLessThan(300);
    expect(format({ why: 'a b', empty: '', msg: 'A.' })).toBe('12:34:56Z INFO  A. why="a b" empty=""\n');
  });

  it.each(['no JSON\n', '[1]\n', 'null\n', ''])('stays as it is where it is none: %j', (line) => {
    expect(formatForTerminal(line, { colour: true })).toBe(line);
  });

  it.each([{}, { time: 7, level: null, msg: {} }, { err: 'text', msg: 'A.' }])(
    'is one for whatever is logged: %j',
    (fields) => {
      expect(format(fields)).toMatch(/\n$/);
    },
  );
});
