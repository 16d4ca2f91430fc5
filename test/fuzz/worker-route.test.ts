import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileWorkerRoutes } from '../../src/matrix/match-worker-route.ts';
import { WORKER_ROUTES } from '../../src/matrix/worker-routes.ts';
import { createPlainMatcher } from '../matrix/worker-route-samples.ts';

const match = compileWorkerRoutes();
const plain = createPlainMatcher();

/** The words of all patterns, and what stands between them in real paths. */
const WORDS = [
  ...new Set(WORKER_ROUTES.flatMap(({ pattern }) => pattern.match(/[A-Za-z0-9_]+/g) ?? [])),
  ...['', 'x', '!r', '%2F', 'api/v1', 'org.matrix.msc4140', 'im.nheko.summary', '.*', '..', 'sendX', 'm.tags'],
];
const BEGINNINGS = [
  '/_matrix/client/v3',
  '/_matrix/client/unstable',
  '/_matrix/client/r0/rooms/!r',
  '/_synapse/admin/v1',
];

const path = fc
  .tuple(fc.constantFrom('', ...BEGINNINGS), fc.array(fc.constantFrom(...WORDS), { maxLength: 8 }), fc.boolean())
  .map(([begin, words, slash]) => `${begin}/${words.join('/')}${slash ? '/' : ''}`);

describe('the route of a worker', () => {
  it('is the one that the regular expressions find, for any path', () => {
    const property = fc.property(path, (target) => match(target, target.length) === plain(target));
    expect(fc.check(property, { numRuns: 20_000, interruptAfterTimeLimit: 5_000 }).counterexample).toBeNull();
  });

  it('does not depend on what the query holds', () => {
    const property = fc.property(path, path, (target, query) => {
      return match(`${target}?${query}`, target.length) === match(target, target.length);
    });
    expect(fc.check(property, { numRuns: 5_000, interruptAfterTimeLimit: 5_000 }).counterexample).toBeNull();
  });

  it.each([
    ['slashes', '/'],
    ['rooms', '/rooms/!r'],
    ['rooms and aliases', '/rooms/x/aliase'],
    ['words that begin alike', '/sen/stat/redac/tag/account_dat'],
    ['restarts', '/restar/restart'],
  ])('is found in a time that grows with the length alone: %s', (_, unit) => {
    const time = (length: number): number => {
      const target = `/_matrix/client/unstable/org.matrix.msc4140/delayed_events/rooms/${unit.repeat(length / unit.length)}`;
      let least = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 15; round++) {
        const begin = performance.now();
        for (let again = 0; again < 200_000 / length; again++) match(target, target.length);
        least = Math.min(least, performance.now() - begin);
      }
      return least;
    };
    time(1_000);
    // The same number of characters in both; what is tried twice would make the long ones dearer by the factor 64.
    expect(time(64_000) / time(1_000)).toBeLessThan(8);
  });
});
