import { describe, expect, it } from 'vitest';
import { describeWrong, type Load, type LoadReport, readReport, readTimes } from '../../bench/h2load.ts';

const SAID = `Application protocol: http/1.1
progress: 100% done

finished in 282.26ms, 7085.59 req/s, 1.03MB/s
requests: 2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 296.88KB (304000) total, 210.94KB (216000) headers (space savings 0.00%), 9.77KB (10000) data
                 min         max         median      p95         p99         mean        sd         +/- sd
`;
const load: Load = { protocol: 'h1', connections: 4, streams: 1, path: '/x', method: 'GET', answer: 5 };
const right: LoadReport = { seconds: 1, succeeded: 10, failed: 0, good: 10, bytes: 50 };

describe('what h2load says', () => {
  it('is read', () => {
    const report = readReport(SAID)!;
    expect({ ...report, seconds: report.seconds.toFixed(5) }).toEqual({
      seconds: '0.28226',
      succeeded: 2000,
      failed: 0,
      good: 2000,
      bytes: 10_000,
    });
  });

  it('is nothing when it did not come to its end', () => {
    expect(readReport('could not connect\n')).toBeUndefined();
  });

  it('has the time of each request in the third column of its log', () => {
    expect(readTimes('1795416356946536\t200\t222054\n1795416356946565\t200\t74\n')).toEqual([222_054, 74]);
  });

  it.each([
    ['right answers', {}, undefined],
    ['an error', { failed: 1 }, /10 were answered/],
    ['another status', { good: 9 }, /9 of these 2xx/],
    ['fewer answers than asked for', { succeeded: 9, good: 9, bytes: 45 }, /of 10 requests, 9 were answered/],
    ['answers of another length', { bytes: 49 }, /49 bytes in 10 answers/],
  ])('finds %s', (_, change, expected) => {
    const wrong = describeWrong({ ...right, ...change }, load, 10);
    if (expected === undefined) expect(wrong).toBeUndefined();
    else expect(wrong).toMatch(expected);
  });
});
