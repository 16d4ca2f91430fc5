import { describe, expect, it } from 'vitest';
import { viewStatus } from '../../src/admin/view/status-view.ts';
import { drawSpark, drawTimeline } from '../../src/cli/status/draw-bars.ts';
import { layOut, wrap } from '../../src/cli/status/lay-out.ts';
import { renderStatus } from '../../src/cli/status/render-status.ts';
import { certificate, server, status } from '../admin/made-status.ts';
import { inTrouble, wellOff } from '../admin/shown-status.ts';

const golden = (name: string): string => `${import.meta.dirname}/../golden/status/${name}.txt`;
const plain = (one: ReturnType<typeof status>, columns = 90): string =>
  renderStatus(viewStatus(one), { colour: false, columns });

describe('the status in a terminal', () => {
  it('shows that all is well', () => expect(plain(wellOff())).toMatchFileSnapshot(golden('well')));
  it('begins with what is wrong', () => expect(plain(inTrouble())).toMatchFileSnapshot(golden('trouble')));

  it.each([40, 60, 80, 120])('keeps to %i columns, but for what has no space in it', (columns) => {
    for (const line of [wellOff(), inTrouble()].flatMap((one) => plain(one, columns).split('\n'))) {
      const words = line.trim().split(' ');
      expect([line, line.length <= columns || words.length <= 2]).toEqual([line, true]);
      expect(line).toBe(line.trimEnd());
    }
  });

  it('has colours where they are wanted, and the same words', () => {
    const coloured = renderStatus(viewStatus(inTrouble()), { colour: true, columns: 90 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are made of
    const without = coloured.replace(/\u001b\[\d+m/g, '');
    expect([coloured === without, without]).toEqual([false, plain(inTrouble())]);
  });

  it('passes nothing on that a terminal would obey', () => {
    const hostile = 'a\u001b]0;title\u0007\r\n\u202eb';
    const out = plain(
      status({
        servers: [server(hostile, { delegate_to: hostile })],
        certificates: [certificate({ names: [hostile], issuer: hostile, obstacle: hostile })],
        peers: [{ origin: hostile, requests: 1 }],
      }),
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
  });

  it('leaves out what has nothing to say', () => {
    expect(plain(status())).not.toMatch(/Busiest|Processes|Last warnings/);
  });
});

describe('a row of blocks', () => {
  it.each([
    [[0, 1, 4, 8], 10, ' ▁▄█'],
    [[0.001, 8], 10, '▁█'],
    [[0, 0, 8, 8], 2, ' █'],
    [[], 5, ''],
    [[0, 0], 5, '  '],
  ])('%j in %i characters', (rates, width, drawn) => expect(drawSpark(rates, width)).toBe(drawn));
});

it.each([
  [0, undefined, '|─────────'],
  [0.5, 0.8, '━━━━━|──o─'],
  [1, undefined, '━━━━━━━━━|'],
  [0.5, 0.5, '━━━━━|────'],
])('a lifetime at %f, tried next at %s: %s', (now, next, drawn) => {
  expect(drawTimeline({ now, next, soon: 0.8, verySoon: 0.9 }, 10)).toBe(drawn);
});

describe('a table', () => {
  it('has numbers to the right and breaks its last column', () => {
    const rows = [
      ['a', '1', 'one two three four five six'],
      ['bcd', '1,000', 'x'],
    ];
    expect(layOut(rows, 38)).toEqual([
      `  a        1  one two three four five\n${' '.repeat(14)}six`,
      '  bcd  1,000  x',
    ]);
  });

  it('that does not fit is lines of text', () => {
    expect(layOut([['a'.repeat(30), 'b c', 'd']], 32)).toEqual([`  ${'a'.repeat(30)}\n      b c  d`]);
  });

  it('of nothing is nothing', () => expect(layOut([], 80)).toEqual([]));
});

it('a text is broken between words only', () => {
  expect(wrap('  one two three', 9, 4)).toBe('  one two\n    three');
  expect(wrap('x'.repeat(50), 10)).toBe('x'.repeat(50));
});
