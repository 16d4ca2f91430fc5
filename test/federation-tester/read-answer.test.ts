import { describe, expect, it } from 'vitest';
import { readVersion } from '../../src/federation-tester/judge-answers.ts';
import { formatDuration, formatTime, quote } from '../../src/federation-tester/quote.ts';
import { describeOutcome, readAnswer } from '../../src/federation-tester/read-answer.ts';
import { answered, failed, UNAUTHORIZED } from './made-facts.ts';

const error = (status: number, errcode: string) => answered(status, { errcode });

describe('who answered, and how far the request came', () => {
  it.each([
    ['Synapse has no such event', answered(404, '""'), 'accepted'],
    ['another homeserver has no such event', error(404, 'M_NOT_FOUND'), 'accepted'],
    ['Synapse refuses a signature', UNAUTHORIZED, 'refused'],
    ['Synapse cannot read the header', error(400, 'M_UNAUTHORIZED'), 'refused'],
    ['another homeserver refuses a signature', error(403, 'M_FORBIDDEN'), 'refused'],
    ['there is no such endpoint', error(404, 'M_UNRECOGNIZED'), 'unrecognized'],
    ['an older homeserver has no such endpoint', error(400, 'M_UNRECOGNIZED'), 'unrecognized'],
    ['a proxy has no such page', answered(404, '<html>'), 'foreign'],
    ['a firewall', answered(403, 'Forbidden'), 'foreign'],
    ['a page for everything', answered(200, '<html>'), 'foreign'],
    ['a proxy without its homeserver', answered(502, '<html>'), 'failing'],
    ['too much at a time', error(429, 'M_LIMIT_EXCEEDED'), 'limited'],
    ['too much', answered(413, '<html>'), 'too-large'],
    ['nothing', failed('answer-timeout'), 'none'],
    ['not asked', undefined, 'none'],
    ['a transaction that was taken', answered(200, { pdus: {} }), 'accepted'],
  ])('%s', (_what, outcome, answer) => {
    expect(readAnswer(outcome)).toBe(answer);
  });
});

describe('what a stranger wrote', () => {
  it('is shown in a line, without anything that a terminal obeys', () => {
    expect(quote('a\u001b[31m\nb\u009b\u202e"')).toBe('"a\\u001b[31m\\nb??\\""');
    expect(quote('x'.repeat(500))).toHaveLength(83);
    expect(
      describeOutcome(answered(404, '<html>', { 'Content-Type': 'text/html; charset=x', Server: 'n\u0007x' })),
    ).toBe('404 text/html (Server: n\\u0007x)');
    expect(describeOutcome(error(401, 'M_X\u001b[0m'))).toBe('401 M_X\\u001b[0m');
  });

  it.each([
    [answered(200, { server: { name: 'Synapse', version: '1' } }), { name: 'Synapse', version: '1' }],
    [answered(200, { server: { name: 5 } }), { name: undefined, version: undefined }],
    [answered(200, { server: 'Synapse' }), undefined],
    [answered(200, '[]'), undefined],
    [answered(500, { server: {} }), undefined],
  ])('as a version is read only where it is one', (outcome, version) => {
    expect(readVersion(outcome)).toEqual(version);
  });

  it('as a time may be impossible', () => {
    expect([formatTime(Date.UTC(2027, 0, 2, 3, 4)), formatTime(1e300)]).toEqual([
      '2027-01-02 03:04 UTC',
      'an impossible time (1e+300)',
    ]);
    expect([1_000, 90_000, 600_000, 7_200_000, -3 * 86_400_000].map(formatDuration)).toEqual([
      '1 second',
      '90 seconds',
      '10 minutes',
      '2 hours',
      '3 days',
    ]);
  });
});
