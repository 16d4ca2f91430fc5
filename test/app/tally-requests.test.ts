import { describe, expect, it } from 'vitest';
import { createRequestTally, findBlame } from '../../src/app/tally-requests.ts';
import { type Blame, SidecarError } from '../../src/base/errors.ts';
import { realSystem } from '../../src/base/system.ts';
import { createMetrics } from '../../src/observe/metrics.ts';

const failed = (blame: Blame): SidecarError => new SidecarError('It failed.', { code: 'some', blame });

describe('who is to blame for an answer', () => {
  it.each<[string, number, Blame | undefined, boolean, string]>([
    ['nobody for one that is well', 200, undefined, false, 'nobody'],
    ['nobody for a redirect', 302, undefined, true, 'nobody'],
    ['the client for a 4xx of the homeserver', 404, undefined, false, 'client'],
    ['the client for a 4xx of ours', 403, undefined, true, 'client'],
    ['the client where it left before', 0, undefined, false, 'client'],
    ['the homeserver for its 5xx', 500, undefined, false, 'upstream'],
    ['us for a 5xx of our own', 500, undefined, true, 'us'],
    ['nobody where we say that something is not ready', 503, undefined, true, 'nobody'],
    ['the homeserver where it is away', 502, 'upstream', false, 'upstream'],
    ['the homeserver where other servers are told mildly', 408, 'upstream', false, 'upstream'],
    ['the homeserver for an answer that was cut off', 200, 'upstream', false, 'upstream'],
    ['us for a defect', 500, 'us', false, 'us'],
    ['us for what is configured wrongly', 502, 'operator', false, 'us'],
    ['the client for a body that is too large', 413, 'client', false, 'client'],
  ])('%s', (_, status, blame, own, expected) => {
    const error = blame === undefined ? undefined : failed(blame);
    expect(findBlame(status, error, own)).toBe(expected);
  });
});

describe('the tally', () => {
  const setUp = () => {
    const metrics = createMetrics();
    const tally = createRequestTally({ metrics, system: realSystem });
    const scrape = async (): Promise<string[]> =>
      (await metrics.scrape()).text
        .split('\n')
        .filter((line) => line.startsWith('matrix_sidecar_') && !line.includes('_limited_'));
    return { tally, scrape };
  };

  it('has one series for each surface, status and blame, seldom statuses as their class', async () => {
    const { tally, scrape } = setUp();
    const began = tally.now();
    for (const status of [200, 200, 0, 418, 451, 599, 700, 299, 65_000]) tally.of('client').count(status, began);
    tally.of('key').count(502, began, failed('upstream'));
    const counted = (await scrape()).filter((line) => line.startsWith('matrix_sidecar_requests_total'));
    const series = (surface: string, status: string, blame: string, count: number): string =>
      `matrix_sidecar_requests_total{surface="${surface}",status="${status}",blame="${blame}"} ${count}`;
    expect(counted.toSorted()).toEqual(
      [
        series('client', '200', 'nobody', 2),
        series('client', 'none', 'client', 1),
        series('client', '4xx', 'client', 2),
        series('client', '5xx', 'upstream', 1),
        series('client', 'odd', 'upstream', 2),
        series('client', '2xx', 'nobody', 1),
        series('key', '502', 'upstream', 1),
      ].toSorted(),
    );
  });

  it('stays small whatever strangers answer, are called, or write as their name', async () => {
    const { tally, scrape } = setUp();
    const began = tally.now();
    for (let status = 0; status < 2_000; status++) tally.of('federation').count(status, began);
    for (let index = 0; index < 20_000; index++) {
      tally.cameFrom(`s${index}.test`, 200);
      tally.cameFrom(`evil${index}\n{}"`, 200);
      tally.cameFrom(`refused${index}.test`, 401);
    }
    const samples = await scrape();
    expect(samples.length).toBeLessThan(100);
    expect(samples.join('\n')).not.toMatch(/evil|refused\d/);
  });

  it('names servers in lower case, and only where they were answered well', async () => {
    const { tally, scrape } = setUp();
    tally.cameFrom('A.test', 200);
    tally.cameFrom('a.test', 204);
    tally.cameFrom('a.test', 403);
    tally.cameFrom(undefined, 200);
    expect((await scrape()).toSorted()).toEqual([
      'matrix_sidecar_origin_requests{origin="a.test"} 2',
      'matrix_sidecar_origin_requests{origin="other"} 2',
    ]);
  });
});
