import { parseUpstream } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import { type PoolName, STREAMS, WORKER_POOLS } from '../matrix/worker-pools.ts';
import type { FoundServer } from './find-servers.ts';
import type { Hosts } from './hosts.ts';
import { choose, inferPools, type Observed, type Pools, type WorkerGroup } from './infer-pools.ts';
import { formatPlace, type Place } from './place.ts';
import type { Outcome, SiteTarget, Target } from './site.ts';
import type { WorkerSample } from './worker-samples.ts';
import { entry, type YamlEntry } from './yaml-entry.ts';

type Proxied = Extract<Outcome, { do: 'proxy' }>;

export interface PlannedWorkers {
  /** `mas`, `workers`, or neither. */
  readonly entries: readonly YamlEntry[];
  /** Targets that the entries have. */
  readonly carried: ReadonlySet<string>;
  readonly findings: readonly Finding[];
}

const NOTHING: PlannedWorkers = { entries: [], carried: new Set(), findings: [] };

/** Where MAS answers: what a worker may answer as well comes first, what none does last. */
const LOGIN_PATHS = ['login', 'logout', 'logout/all', 'refresh'].map((word) => `/_matrix/client/v3/${word}`);
/** What nginx's regular expressions take for logins, whatever stands before. */
const LOGIN = /\/(?:login|logout|refresh)(?:[/?]|$)/;
const MOST_PLACES = 8;
/** Routes in a finding: of those that are lost, and of those that are merely new. */
const [MOST_LOST, MOST_NEW] = [40, 10];

/** Places where requests of one server go on to, map entries too, and of all together: each is tried for each sample. */
const [MOST_TARGETS, MOST_TARGETS_IN_ALL] = [500, 5000];

/**
 * The workers and the authentication service of one of `many` servers, by asking where each kind of request goes. Nothing where
 * there is more to be tried than any deployment has.
 */
export function planWorkers(
  hosts: Hosts,
  server: FoundServer,
  samples: readonly WorkerSample[],
  many: number,
): PlannedWorkers {
  const { homeserver } = server;
  const targets = listTargets(hosts, server);
  const home = identify(homeserver?.target.text ?? '');
  const isMain = (text: string): boolean => identify(text) === home;
  const spellings = targets.map(({ target }) => target.text).filter(isMain);
  const isWorthwhile = targets.some(({ target }) => !isMain(target.text));
  if (homeserver === undefined || !isWorthwhile) return { ...NOTHING, carried: new Set(spellings) };
  if (targets.length > Math.min(MOST_TARGETS, MOST_TARGETS_IN_ALL / many)) return NOTHING;
  const ask = createAsk(hosts, server);
  const groups = new Map<string, WorkerGroup>();
  const places = new Map<WorkerGroup, Place[]>();
  const firsts = new Map<WorkerGroup, string>();
  const service = findService(ask, isMain, samples);
  const observed = samples.flatMap((sample): Observed[] => {
    const outcome = ask(sample.target);
    if (outcome === undefined || (service !== undefined && LOGIN.test(sample.target))) return [];
    if (isMain(outcome.target.text)) return [{ ...sample, there: undefined }];
    const group = readGroup(outcome.target, isMain, groups);
    if (group === undefined) return [];
    places.set(group, [...(places.get(group) ?? []), outcome.place]);
    firsts.set(group, outcome.target.text);
    return [{ ...sample, there: group }];
  });
  const pools = inferPools(observed);
  const used = new Set(pools.values());
  return {
    entries: [
      ...(service === undefined ? [] : [entry('mas', writeOne(listInstances(service.target)), service.place)]),
      ...(pools.size === 0
        ? []
        : [entry('workers', writePools(pools), listPlaces([...used].flatMap((one) => places.get(one) ?? [])))]),
    ],
    carried: new Set([
      ...spellings,
      ...(service === undefined ? [] : [service.target.text]),
      ...[...used].flatMap((group) => firsts.get(group) ?? []),
    ]),
    findings: pools.size === 0 ? [] : compare(observed, pools, homeserver.place),
  };
}

/** The same for all names by which a machine calls itself, where programs seldom are at one of them alone. */
function identify(text: string): string {
  return text.replace(/^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?=:|$)/, 'http://localhost');
}

/** Of all sites that answer for a server. */
function listTargets(hosts: Hosts, { clientHost, name, delegateTo }: FoundServer): readonly SiteTarget[] {
  const sites = [clientHost, name, delegateTo?.host ?? name].flatMap((host) =>
    [...hosts.ports(host, true), ...hosts.ports(host, false)].map((port) => hosts.choose(host, port)),
  );
  return [...new Set(sites)].flatMap((site) => site?.targets ?? []);
}

/** As clients come, or as other servers do. */
function createAsk(hosts: Hosts, { clientHost, delegateTo, name, homeserver }: FoundServer) {
  const clients = { host: clientHost, port: hosts.mainPort(clientHost) ?? homeserver?.port ?? 443 };
  const host = delegateTo?.host ?? name;
  const port = delegateTo === undefined ? 8448 : (delegateTo.port ?? 8448);
  const servers = { host, port: hosts.ports(host, true).includes(port) ? port : (hosts.mainPort(host) ?? port) };
  return (target: string): Proxied | undefined => {
    const from = target.startsWith('/_matrix/federation') || target.startsWith('/_matrix/key') ? servers : clients;
    const outcome = hosts.ask(from.host, from.port, target);
    return outcome?.do === 'proxy' ? outcome : undefined;
  };
}

/** Logging out is nothing for workers: where it goes elsewhere than to the main process and to them, there is a service for it. */
function findService(
  ask: (target: string) => Proxied | undefined,
  isMain: (text: string) => boolean,
  samples: readonly WorkerSample[],
): Proxied | undefined {
  const [login, ...others] = LOGIN_PATHS.map(ask);
  const text = login?.target.text;
  if (login === undefined || isMain(login.target.text) || listInstances(login.target).length === 0) return undefined;
  if (!others.every((one) => one === undefined || one.target.text === text) || others[0] === undefined)
    return undefined;
  const worker = samples.some(({ target }) => !LOGIN.test(target) && ask(target)?.target.text === text);
  return worker ? undefined : login;
}

/** The servers that can be written; the main process among them stands in for workers without being named. */
function readGroup(
  target: Target,
  isMain: (text: string) => boolean,
  groups: Map<string, WorkerGroup>,
): WorkerGroup | undefined {
  const instances = [...new Set(listInstances(target).filter((text) => !isMain(text)))];
  if (instances.length === 0) return undefined;
  const key = instances.toSorted().join(' ');
  const known = groups.get(key) ?? { instances };
  groups.set(key, known);
  return known;
}

function listInstances({ text, others, tls }: Target): readonly string[] {
  const parsed = tls ? [] : [text, ...others].map((one) => parseUpstream(one));
  return parsed.flatMap((one) => (one.ok ? [one.value.text] : []));
}

const writeOne = (list: readonly string[]): unknown => (list.length === 1 ? list[0] : list);

function writePools(pools: Pools): object {
  const write = (names: readonly PoolName[]): object =>
    Object.fromEntries(
      names.flatMap((name) => {
        const group = pools.get(name);
        return group === undefined ? [] : [[name, writeOne(group.instances)]];
      }),
    );
  const streams = write(STREAMS);
  return { ...write(WORKER_POOLS), ...(Object.keys(streams).length === 0 ? {} : { stream_writers: streams }) };
}

/** `nginx.conf:12 to 40` for each file. */
function listPlaces(places: readonly Place[]): string {
  const texts = [...Map.groupBy(places, ({ file }) => file)].map(([file, some]) => {
    const lines = some.flatMap(({ line }) => line ?? []);
    const [first, last] = [Math.min(...lines), Math.max(...lines)];
    const place = formatPlace({ file, line: lines.length === 0 ? undefined : first });
    return last > first ? `${place} to ${last}` : place;
  });
  const more = texts.length > MOST_PLACES ? ` and ${texts.length - MOST_PLACES} more` : '';
  return `${texts.slice(0, MOST_PLACES).join(', ')}${more}`;
}

/** What goes elsewhere than it went: what a worker took before, and what one takes from now on. */
function compare(observed: readonly Observed[], pools: Pools, place: Place): readonly Finding[] {
  const differ = observed.filter((one) => choose(one, pools) !== one.there);
  const lost = differ.filter(({ there }) => there !== undefined);
  const more = differ.filter(({ there }) => there === undefined);
  const findings: Finding[] = [];
  if ([...pools.values()].some(({ instances }) => instances.length > 1)) {
    findings.push({
      id: 'import-workers-shared',
      severity: 'info',
      place,
      what: 'Which of several workers gets a request is decided as Synapse asks for it: by the user, the room or the other server, else whoever is least busy.',
      fix: 'Methods, weights and spare servers of the upstream groups are not carried over; nothing is to be done.',
    });
  }
  if (lost.length > 0) {
    findings.push({
      id: 'import-workers-differ',
      severity: 'warning',
      place,
      what: 'The sidecar sends by kinds of requests, as Synapse documents them for each kind of worker, and some requests went elsewhere.',
      fix: 'Nothing, if Synapse can do without; otherwise look at docs/workers.md for the pool that they belong to.',
      lines: listRoutes(lost, pools, MOST_LOST),
    });
  }
  if (more.length > 0) {
    findings.push({
      id: 'import-workers-more',
      severity: 'info',
      place,
      what: 'Workers get more than they got: whatever Synapse documents for their kind goes to them, and not to the main process.',
      fix: 'Nothing: a worker with the resources client and federation answers all of it. These are new:',
      lines: listRoutes(more, pools, MOST_NEW),
    });
  }
  return findings;
}

function listRoutes(differ: readonly Observed[], pools: Pools, most: number): readonly string[] {
  const name = (group: WorkerGroup | undefined): string => {
    if (group === undefined) return 'the main process';
    const [first = '', ...others] = group.instances;
    return others.length === 0 ? first : `${first} and ${others.length} more`;
  };
  const lines = [
    ...new Set(differ.map((one) => `${one.route.pattern}  ${name(one.there)} -> ${name(choose(one, pools))}`)),
  ];
  return lines.length > most ? [...lines.slice(0, most), `and ${lines.length - most} more`] : lines;
}
