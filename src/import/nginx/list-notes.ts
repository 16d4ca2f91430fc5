import type { SiteNote } from '../site.ts';
import type { Directive } from './directive.ts';

/** What has no counterpart here, and would be missed: what it does, and what there is instead. */
const NOTED: Readonly<Record<string, string>> = {
  auth_basic: 'asks for a password (auth_basic), which the sidecar does not',
  auth_request: 'asks another server who may come (auth_request), which the sidecar does not',
  limit_req: 'limits requests (limit_req); the sidecar has limits.requests_per_client and requests_per_origin',
  limit_conn: 'limits connections (limit_conn); the sidecar has limits.requests_per_client and requests_per_origin',
  sub_filter: 'changes answers (sub_filter), which the sidecar never does',
  ssl_verify_client: 'asks for certificates of clients (ssl_verify_client), which the sidecar does not',
  geoip2: 'looks at where clients are (geoip2); the sidecar has routes.blocked_networks',
  access_by_lua_block: 'runs Lua (access_by_lua_block), which the sidecar does not',
  access_by_lua_file: 'runs Lua (access_by_lua_file), which the sidecar does not',
  rewrite_by_lua_block: 'runs Lua (rewrite_by_lua_block), which the sidecar does not',
  content_by_lua_block: 'runs Lua (content_by_lua_block), which the sidecar does not',
  mirror: 'copies requests to another server (mirror), which the sidecar does not',
};
const MOST_NOTES = 50;

/** The first of each kind in a server block. */
export function listNotes(server: Directive): readonly SiteNote[] {
  const found = new Map<string, SiteNote>();
  visit(server.block ?? []);
  return [...found.values()];

  function visit(block: readonly Directive[]): void {
    for (const { name, args, place, block: inner } of block) {
      if (found.size >= MOST_NOTES) return;
      if (Object.hasOwn(NOTED, name) && args[0] !== 'off' && !found.has(name))
        found.set(name, { place, what: NOTED[name]! });
      if (inner !== undefined) visit(inner);
    }
  }
}
