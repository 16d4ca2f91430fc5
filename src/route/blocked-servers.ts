/** Whether an origin server is one that the operator does not serve. */
export type BlockedServers = (origin: string) => boolean;

/**
 * From names and patterns as in server ACLs (client-server API, `m.room.server_acl`): `*` stands for any characters, `?`
 * for one; case does not count, and a port in the origin is left out, as servers do there.
 */
export function compileBlockedServers(patterns: readonly string[]): BlockedServers | undefined {
  if (patterns.length === 0) return undefined;
  const sources = patterns.map((pattern) =>
    pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.'),
  );
  const any = new RegExp(`^(?:${sources.join('|')})$`, 'i');
  return (origin) => any.test(origin.replace(/:\d{1,5}$/, ''));
}
