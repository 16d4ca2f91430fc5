import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { keepLastWords, MOST_WORDS } from '../../src/processes/last-words.ts';

it.each([
  ['nothing', [], ''],
  ['one line', ['a line\n'], 'a line'],
  ['several chunks', ['a ', 'line\n', 'another\n'], 'a line\nanother'],
  ['more than is kept, at once', [`${'x'.repeat(100_000)}end\n`], `${'x'.repeat(MOST_WORDS - 4)}end`],
  [
    'more than is kept, bit by bit',
    Array.from({ length: 5_000 }, () => '0123456789'),
    '0123456789'.repeat(410).slice(-MOST_WORDS),
  ],
])('of %s the end is kept, and all is passed on', async (_name, chunks, end) => {
  const stream = new PassThrough();
  let passed = '';
  const words = keepLastWords(stream, (chunk) => {
    passed += chunk.toString();
  });
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await new Promise((resolve) => stream.once('close', resolve));
  expect(passed).toBe(chunks.join(''));
  expect(words.read()).toBe(end);
});
