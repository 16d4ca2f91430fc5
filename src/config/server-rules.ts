import type { ConfigSource, Report } from './config-source.ts';
import { quote } from './key-path.ts';
import type { ConfigDraft, ServerDraft } from './table.ts';

/** What every rule sees: the values that could be read, what was written, and where to report. */
export interface RuleInput {
  readonly draft: ConfigDraft;
  readonly source: ConfigSource;
  readonly report: Report;
}

/** Rules between the keys of one server, and between servers. */
export function checkServers(input: RuleInput): void {
  (input.draft.servers ?? []).forEach((server, index) => {
    if (server === undefined) return;
    checkDelegation(input, server, index);
    checkPublishing(input, server, index);
  });
  checkTwins(input);
  checkSharedHosts(input);
}

/** Matrix spec, Server-Server API, "Resolving server names": steps 1 and 2 never look at a delegation. */
function checkDelegation({ source, report }: RuleInput, server: ServerDraft, index: number): void {
  const name = server.server_name;
  const at = { path: ['servers', index, 'delegate_to'], at: 'value' } as const;
  if (name === undefined || !source.has(at.path)) return;
  const remove = `Remove ${source.name(at.path)}`;
  if (name.kind !== 'dns') {
    const what = `${quote(name.text)} is an IP address, and other servers never look for a delegation of those`;
    report({ ...at, what, fix: `${remove}, or use a host name as server name` });
  } else if (name.port !== undefined) {
    const what = `${quote(name.text)} has a port, and other servers never look for a delegation of such a name: they go straight to port ${name.port}`;
    report({ ...at, what, fix: `${remove}, or use ${name.host} without a port as server name` });
  }
}

function checkPublishing({ source, report }: RuleInput, server: ServerDraft, index: number): void {
  const by = ['servers', index, 'delegate_by'];
  const to = ['servers', index, 'delegate_to'];
  if (source.has(by) && !source.has(to)) {
    const fix = `Add ${source.spell(to, 'matrix.example.com:443')} (an example), or remove delegate_by`;
    report({ path: by, at: 'key', what: 'says how a delegation is published, but there is none', fix });
  }
  const target = server.delegate_to;
  if (target === undefined || target.kind === 'dns' || server.delegate_by === 'well-known') return;
  if (server.delegate_by === undefined) return;
  const what = `an SRV record names a host, and ${quote(target.text)} is an IP address`;
  report({ path: to, at: 'value', what, fix: 'Give the host name, or write delegate_by: well-known' });
}

/** Server names are compared byte by byte; the same one twice would be two homeservers with one identity. */
function checkTwins({ draft, report }: RuleInput): void {
  const first = new Map<string, number>();
  (draft.servers ?? []).forEach((server, index) => {
    const text = server?.server_name?.text;
    if (text === undefined) return;
    const earlier = first.get(text);
    if (earlier === undefined) {
      first.set(text, index);
      return;
    }
    const what = `${quote(text)} is the server_name of servers[${earlier}] as well`;
    report({ path: ['servers', index, 'server_name'], at: 'value', what, fix: 'Remove one of the two servers' });
  });
}

/** Requests are told apart by the host they ask for: one host cannot lead to two homeservers. */
function checkSharedHosts({ draft, report }: RuleInput): void {
  const first = new Map<string, { homeserver: string; name: string; index: number }>();
  (draft.servers ?? []).forEach((server, index) => {
    if (server?.homeserver === undefined || server.server_name === undefined) return;
    const here = { homeserver: server.homeserver.text, name: server.server_name.text, index };
    for (const key of ['server_name', 'delegate_to'] as const) {
      const host = server[key]?.host;
      if (host === undefined) continue;
      const there = first.get(host);
      if (there === undefined) first.set(host, here);
      else if (there.index !== index && there.homeserver !== here.homeserver && there.name !== here.name) {
        const what = `requests for the host ${host} already go to ${there.homeserver}, the homeserver of ${there.name}, so ${here.homeserver} would get none of them`;
        const fix = `Delegate ${here.name} to a host name of its own, or give both the same homeserver`;
        report({ path: ['servers', index, key], at: 'value', what, fix });
      }
    }
  });
}
