import { parseServerName, type ServerName, whyNotInDns } from '../matrix/server-name.ts';
import { type FoundHomeserver, findHomeserver } from './find-homeserver.ts';
import type { Hosts } from './hosts.ts';
import type { Place } from './place.ts';
import { type FoundDocument, readDocument } from './read-document.ts';

/** A Matrix server that a configuration serves, as far as can be told from it. */
export interface FoundServer {
  /** The server name: a host, without port. */
  readonly name: string;
  /** Where the name is from. */
  readonly named: 'published' | 'its port 8448' | 'its only host' | 'guessed' | 'the command line';
  readonly place: Place | undefined;
  readonly delegateTo: ServerName | undefined;
  /** Where the delegation was read; undefined where it was concluded. */
  readonly delegated: Place | undefined;
  readonly homeserver: FoundHomeserver | undefined;
  /** The host by which clients come. */
  readonly clientHost: string;
  /** Whether the server name's own host is served here. */
  readonly apexHere: boolean;
  /** Other hosts that lead to the same homeserver, and to no other server of these. */
  readonly aliases: readonly string[];
}

export interface ServerHints {
  readonly serverName: string | undefined;
}

const LABELS = /^(matrix|synapse|m|hs|homeserver|chat|dendrite|conduit)\.(?=[^.]+\.)/;

/** Every Matrix server behind these hosts: those that publish a delegation first, then the others by where they lead. */
export function findServers(hosts: Hosts, hints: ServerHints): readonly FoundServer[] {
  const homeservers = new Map<string, FoundHomeserver>();
  for (const host of hosts.names) {
    const found = findHomeserver(hosts, host);
    if (found !== undefined) homeservers.set(host, found);
  }
  const published = mergeSame(
    hosts.names.flatMap((host) => readPublished(hosts, host, homeservers) ?? []),
    hints,
  );
  const covered = new Set(
    published.flatMap(({ name, delegateTo, clientHost }) => [name, delegateTo?.host ?? name, clientHost]),
  );
  const groups = new Map<string, string[]>();
  for (const [host, { target }] of homeservers) {
    if (covered.has(host)) continue;
    const group = groups.get(target.text);
    if (group === undefined) groups.set(target.text, [host]);
    else group.push(host);
  }
  const servers = [...published];
  for (const [target, group] of groups) {
    const known = servers.findIndex(({ homeserver }) => homeserver?.target.text === target);
    if (known !== -1) servers[known] = { ...servers[known]!, aliases: [...servers[known]!.aliases, ...group] };
    else servers.push(conclude(hosts, group, homeservers, hints));
  }
  return servers;
}

function readPublished(
  hosts: Hosts,
  host: string,
  homeservers: ReadonlyMap<string, FoundHomeserver>,
): FoundServer | undefined {
  const document = readDocument(hosts, host, 'server');
  if (document?.outcome.kind !== 'document') return undefined;
  const delegateTo = readDelegation(document);
  if (delegateTo === undefined) return undefined;
  const clientHost = readBaseHost(hosts, host) ?? delegateTo.host;
  const candidates = [delegateTo.host, host, clientHost].map((one) => homeservers.get(one));
  const only = new Set([...homeservers.values()].map(({ target }) => target.text)).size === 1;
  return {
    name: host,
    named: 'published',
    place: hosts.choose(host, hosts.mainPort(host)!)?.place,
    delegateTo,
    delegated: document.last.place,
    homeserver: candidates.find((one) => one !== undefined) ?? (only ? [...homeservers.values()][0] : undefined),
    clientHost,
    apexHere: true,
    aliases: [],
  };
}

/** What `m.server` says; undefined where it is missing or no server name. */
export function readDelegation(document: FoundDocument): ServerName | undefined {
  if (document.outcome.kind !== 'document') return undefined;
  const written = document.outcome.json['m.server'];
  const parsed = typeof written === 'string' ? parseServerName(written) : undefined;
  return parsed?.ok === true && whyNotInDns(parsed.value) === undefined ? parsed.value : undefined;
}

/** One place is one homeserver, which has one name: of several hosts that name the same place, one is that name. */
function mergeSame(published: readonly FoundServer[], { serverName }: ServerHints): readonly FoundServer[] {
  const groups = Map.groupBy(published, ({ delegateTo }) => delegateTo?.text.toLowerCase());
  return [...groups.values()].map((group) => {
    const worth = ({ name, delegateTo }: FoundServer): number => {
      if (name === serverName) return 3;
      if (delegateTo?.host.endsWith(`.${name}`)) return 2;
      return name === delegateTo?.host || name.startsWith('www.') ? 0 : 1;
    };
    const best = group.reduce((one, other) => (worth(other) > worth(one) ? other : one));
    const others = group.filter((one) => one !== best && one.name !== best.delegateTo?.host);
    return { ...best, aliases: others.map(({ name }) => name) };
  });
}

/** The host in the client document's base_url. */
function readBaseHost(hosts: Hosts, host: string): string | undefined {
  const document = readDocument(hosts, host, 'client');
  if (document?.outcome.kind !== 'document') return undefined;
  const member = document.outcome.json['m.homeserver'] as { base_url?: unknown } | null | undefined;
  const url = member?.base_url;
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Hosts that lead to one homeserver, and none of which publishes where it is: which of them is the server name? */
function conclude(
  hosts: Hosts,
  group: readonly string[],
  homeservers: ReadonlyMap<string, FoundHomeserver>,
  { serverName }: ServerHints,
): FoundServer {
  const parent = group.find((host) => group.some((other) => other.endsWith(`.${host}`)));
  const host = serverName !== undefined && group.includes(serverName) ? serverName : (parent ?? group[0]!);
  const below = group.find((other) => other.endsWith(`.${host}`));
  const guessed = serverName ?? (LABELS.test(host) ? host.replace(LABELS, '') : host);
  const homeserver = homeservers.get(host)!;
  const open = (one: string): boolean => hosts.ports(one, true).includes(8448);
  const main = hosts.mainPort(host);
  const place = hosts.choose(host, homeserver.port)?.place;
  const port = main === undefined || !hosts.ports(host, true).includes(main) ? 443 : main;
  const rest = { place, delegated: undefined, homeserver };
  if (guessed !== host) {
    return {
      ...{ ...rest, name: guessed, named: serverName === undefined ? 'guessed' : 'the command line' },
      delegateTo: toName(`${host}:${port}`),
      clientHost: host,
      apexHere: hosts.names.includes(guessed),
      aliases: group.filter((one) => one !== host),
    };
  }
  const clientHost = readBaseHost(hosts, host) ?? host;
  // Without a delegation to its host, no certificate would be got for the name by which clients come.
  const otherHost = group.includes(clientHost) && clientHost !== host ? clientHost : below;
  const proxied = readDocument(hosts, host, 'server')?.outcome.kind === 'proxied';
  const delegateTo =
    otherHost !== undefined
      ? toName(`${otherHost}:${port}`)
      : !open(host) && proxied
        ? toName(`${host}:${port}`)
        : undefined;
  return {
    ...{ ...rest, name: host, delegateTo, clientHost: otherHost ?? host, apexHere: true },
    named: serverName === host ? 'the command line' : open(host) ? 'its port 8448' : 'its only host',
    aliases: group.filter((one) => one !== host && one !== otherHost),
  };
}

function toName(text: string): ServerName | undefined {
  const parsed = parseServerName(text);
  return parsed.ok ? parsed.value : undefined;
}
