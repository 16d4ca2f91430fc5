import { WORKER_ROUTES, type WorkerRoute } from '../../src/matrix/worker-routes.ts';

/** What a gap of a pattern is filled with: ordinary ids, encoded ones, none where that is allowed, several segments. */
const FILLS = {
  '.*': ['!room:example.com', '!a%2Fb%3Aexample.com', '', 'user/@u:example.com/rooms/!r'],
  '[^/]+': ['!room:example.com', 'a%2Fb', '%40u:example.com'],
} as const;

/** The regular expression that a pattern stands for: the plain way of matching, slow and sure. */
export function toRegExp(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll(/\.(?!\*)/g, '\\.')}`);
}

/** The first route by trying one regular expression after the other. */
export function createPlainMatcher(routes: readonly WorkerRoute[] = WORKER_ROUTES) {
  const compiled = routes.map((route) => ({ route, expression: toRegExp(route.pattern) }));
  return (path: string): WorkerRoute | undefined => compiled.find(({ expression }) => expression.test(path))?.route;
}

/** Paths that match a pattern, each of its alternatives and fills in at least one of them. */
export function samplePaths(pattern: string): readonly string[] {
  const plain = writeOut(pattern.replace(/\$$/, ''));
  const ends = pattern.endsWith('$') || pattern.endsWith('|$)') ? [''] : ['', 'x', '/x/y', '/!room:example.com/$event'];
  return plain.flatMap((text) =>
    [0, 1, 2, 3].flatMap((index) => {
      const filled = text.replaceAll(/\.\*|\[\^\/\]\+/g, (gap) => {
        const fills = FILLS[gap as keyof typeof FILLS];
        return fills[index % fills.length]!;
      });
      return ends.map((end) => filled.replace(/\$$/, '') + (text.endsWith('$') ? '' : end));
    }),
  );
}

function writeOut(pattern: string): string[] {
  const group = /^(.*?)\(([^()]*)\)(\?)?(.*)$/.exec(pattern);
  if (group === null) return [pattern];
  const choices = group[2]!.split('|').concat(group[3] === undefined ? [] : ['']);
  return choices.flatMap((choice) => writeOut(`${group[1]}${choice}${group[4]}`));
}
