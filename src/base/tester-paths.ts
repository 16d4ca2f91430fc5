/** Where the federation tester is on the listeners that have it: its page, and the public tester's API. */
export const TESTER_PATHS = {
  page: '/federationtester',
  report: '/api/report',
  ok: '/api/federation-ok',
} as const;

const ALL: ReadonlySet<string> = new Set(Object.values(TESTER_PATHS));

/** Whether a path (without query) is one of them. */
export function isTesterPath(path: string): boolean {
  return ALL.has(path);
}
