import { addSaved } from '../admin/count-saved.ts';
import type { CertificateStatus, PeerStatus, ProcessStatus, SavedStatus, Status } from '../admin/status.ts';
import { REST } from '../observe/busiest-names.ts';
import { mergeLogged } from '../observe/recent-warnings.ts';
import type { TrafficStatus } from '../observe/traffic-record.ts';
import { mergeInstances } from './merge-instances.ts';
import { mergeTraffic } from './merge-traffic.ts';

export interface StatusPart {
  /** It takes nothing new: of the configuration it knows what was in force before. */
  readonly leaving: boolean;
  readonly status: Status;
}

/** What is known of the sidecar as a whole. */
export interface WholeStatus {
  readonly uptime_seconds: number;
  readonly draining: boolean;
  readonly processes: readonly ProcessStatus[];
}

/** What processes leave behind that have ended. */
export interface EndedStatus {
  readonly traffic: readonly TrafficStatus[];
  readonly saved: SavedStatus;
}

/** Peers that are told apart. */
const MOST_PEERS = 20;

type Servers = Status['servers'];

/** The status of several processes as that of one sidecar; undefined where none has told anything. Pure. */
export function mergeStatus(parts: readonly StatusPart[], whole: WholeStatus, ended: EndedStatus): Status | undefined {
  const all = parts.map(({ status }) => status);
  const staying = parts.filter(({ leaving }) => !leaving).map(({ status }) => status);
  const told = staying.length > 0 ? staying : all;
  const [first] = told;
  if (first === undefined) return undefined;
  return {
    ...first,
    ...whole,
    servers: mergeServers(first.servers, told, all),
    certificates: mergeCertificates(told.map(({ certificates }) => certificates)),
    warnings: mergeWarnings(told.flatMap(({ warnings }) => warnings)),
    requests_in_flight: add(all.map(({ requests_in_flight }) => requests_in_flight)),
    clients: mergeClients(all.map(({ clients }) => clients)),
    traffic: mergeTraffic([...all.map(({ traffic }) => traffic), ...ended.traffic]),
    peers: mergePeers(all.flatMap(({ peers }) => peers)),
    saved: addSaved([...all.map(({ saved }) => saved), ended.saved]),
    logged: mergeLogged(all.map(({ logged }) => logged)),
  };
}

/** Looked up by name: of a thousand servers in eight processes, each would be compared with eight thousand. */
function mergeServers(servers: Servers, told: readonly Status[], all: readonly Status[]): Servers {
  const [ofTold, ofAll] = [groupByName(told), groupByName(all)];
  return servers.map((server) => {
    const { server_name } = server;
    return mergeServer(server, ofTold.get(server_name) ?? [], ofAll.get(server_name) ?? []);
  });
}

function groupByName(list: readonly Status[]): ReadonlyMap<string, Servers> {
  const groups = new Map<string, Servers[number][]>();
  for (const server of list.flatMap(({ servers }) => servers)) {
    const group = groups.get(server.server_name);
    if (group === undefined) groups.set(server.server_name, [server]);
    else group.push(server);
  }
  return groups;
}

/** Away for as long as the first one to notice says; what waits in processes that leave waits all the same. */
function mergeServer(server: Servers[number], told: Servers, all: Servers): Servers[number] {
  const away = told.flatMap(({ away_seconds }) => (away_seconds === null ? [] : [away_seconds]));
  return {
    ...server,
    away_seconds: away.length === 0 ? null : Math.max(...away),
    requests_held: add(all.map(({ requests_held }) => requests_held)),
    instances: mergeInstances(told.map(({ instances }) => instances)),
    website_instances: mergeInstances(told.map(({ website_instances }) => website_instances)),
    mas_instances: mergeInstances(told.map(({ mas_instances }) => mas_instances)),
    rtc_jwt_instances: mergeInstances(told.map(({ rtc_jwt_instances }) => rtc_jwt_instances)),
    rtc_sfu_instances: mergeInstances(told.map(({ rtc_sfu_instances }) => rtc_sfu_instances)),
    workers: server.workers.map(({ pool }) => ({
      pool,
      instances: mergeInstances(
        told.flatMap(({ workers }) => workers.filter((one) => one.pool === pool).map(({ instances }) => instances)),
      ),
    })),
  };
}

/**
 * Each once, with what the process that orders knows of it. One that is served by some processes only is listed beside the
 * one that the others serve. Where it came from can differ: from the CA in one process, from the store in the others.
 */
function mergeCertificates(lists: readonly (readonly CertificateStatus[])[]): readonly CertificateStatus[] {
  const merged = new Map<string, CertificateStatus>();
  for (const certificates of lists) {
    const seen = new Map<string, number>();
    for (const one of certificates) {
      const what = JSON.stringify([one.names, one.not_after]);
      const nth = (seen.get(what) ?? 0) + 1;
      seen.set(what, nth);
      const id = `${what} ${nth}`;
      const other = merged.get(id);
      merged.set(id, other === undefined ? one : mergeCertificate(other, one));
    }
  }
  return [...merged.values()];
}

function mergeCertificate(a: CertificateStatus, b: CertificateStatus): CertificateStatus {
  const next = [a, b].find(({ next_attempt }) => next_attempt !== null && next_attempt.at !== null) ?? a;
  const last = (b.last_result?.at ?? '') > (a.last_result?.at ?? '') ? b : a;
  return {
    ...a,
    next_attempt: next.next_attempt,
    last_result: last.last_result,
    obstacle: next.obstacle ?? last.obstacle,
  };
}

function mergePeers(peers: readonly PeerStatus[]): readonly PeerStatus[] {
  const sums = new Map<string, number>();
  for (const { origin, requests } of peers) sums.set(origin, (sums.get(origin) ?? 0) + requests);
  const rest = sums.get(REST) ?? 0;
  sums.delete(REST);
  const sorted = [...sums].map(([origin, requests]) => ({ origin, requests })).sort((a, b) => b.requests - a.requests);
  const others = rest + add(sorted.slice(MOST_PEERS).map(({ requests }) => requests));
  return [...sorted.slice(0, MOST_PEERS), ...(others > 0 ? [{ origin: REST, requests: others }] : [])];
}

/** Each once, as the first one to notice has it. */
function mergeWarnings(warnings: Status['warnings']): Status['warnings'] {
  const byAge = [...warnings].sort((a, b) => (a.since < b.since ? -1 : Number(a.since > b.since)));
  const first = new Map<string, Status['warnings'][number]>();
  for (const warning of byAge) if (!first.has(warning.id)) first.set(warning.id, warning);
  return [...first.values()];
}

/** Which addresses the others have seen is not known, only how many: there are at least so many different ones. */
function mergeClients(clients: readonly Status['clients'][]): Status['clients'] {
  const only = new Set(clients.flatMap((one) => (one.only === null ? [] : [one.only])));
  const distinct = Math.max(only.size, ...clients.map((one) => one.distinct));
  return {
    connections: add(clients.map(({ connections }) => connections)),
    distinct,
    only: distinct === 1 ? ([...only][0] ?? null) : null,
  };
}

function add(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
