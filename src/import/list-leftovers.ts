import type { Finding } from '../base/finding.ts';
import type { FoundServer } from './find-servers.ts';
import type { Hosts } from './hosts.ts';
import { hostsOf } from './lint-passing.ts';
import { MAIN_PATHS, ROOT_PATH, SYNC_PATH, WELL_KNOWN } from './matrix-paths.ts';
import { formatPlace } from './place.ts';
import type { Site, SiteTarget } from './site.ts';

const MOST_LINES = 40;
/** What lk-jwt-service and LiveKit are called, and paths that only they have. */
const CALLS = /livekit|lk-jwt|\/sfu\b|\/twirp\b/i;
const TOKENS = /jwt|\/sfu\/get\b|get_token/i;
const isTokens = ({ where, target }: SiteTarget): boolean => TOKENS.test(where) || TOKENS.test(target.text);
const MATRIX = /_matrix|_synapse|worker|sync|map entry|location @|matrix|synapse/i;

/** What the sidecar does not do, of all that the configuration does; `known` targets have their place in the YAML. */
export function listLeftovers(
  hosts: Hosts,
  servers: readonly FoundServer[],
  known: ReadonlySet<string>,
): readonly Finding[] {
  const involved = involvedSites(hosts, servers);
  const homes = new Set(servers.map(({ homeserver }) => homeserver?.target.text));
  const seen = new Set<string>();
  const others = involved
    .flatMap(({ targets }) => targets)
    .filter((one) => {
      const key = `${formatPlace(one.place)} ${one.where} ${one.target.text}`;
      if (homes.has(one.target.text) || known.has(one.target.text) || seen.has(key)) return false;
      seen.add(key);
      return true;
    });
  const isLogin = ({ where }: SiteTarget): boolean => /login/.test(where) && /logout|refresh/.test(where);
  const logins = others.filter(isLogin);
  const calls = others.filter((one) => !isLogin(one) && (CALLS.test(one.where) || CALLS.test(one.target.text)));
  const workers = others.filter((one) => !isLogin(one) && !calls.includes(one) && MATRIX.test(one.where));
  const rest = others.filter((one) => ![logins, calls, workers].some((known) => known.includes(one)));
  return [
    ...tellLogins(logins),
    ...tellCalls(calls),
    ...tellWorkers(workers),
    ...tellTargets(rest),
    ...involved.flatMap(tellNotes),
    ...tellSites(hosts, involved),
  ];
}

/** The sites that answer for a Matrix server in any way. */
export function involvedSites(hosts: Hosts, servers: readonly FoundServer[]): readonly Site[] {
  const found = new Set<Site>();
  for (const host of hostsOf(servers)) {
    for (const port of [...hosts.ports(host, true), ...hosts.ports(host, false)]) {
      const site = hosts.choose(host, port);
      if (site !== undefined) found.add(site);
    }
  }
  return hosts.sites.filter((site) => found.has(site));
}

function tellWorkers(workers: readonly SiteTarget[]): readonly Finding[] {
  const [first] = workers;
  if (first === undefined) return [];
  const many = new Set(workers.map(({ target }) => target.text)).size;
  return [
    {
      id: 'import-workers',
      severity: 'warning',
      place: first.place,
      what: `Some Matrix paths go to ${many === 1 ? 'another process' : `${many} other processes`}, by rules that are no kind of worker of Synapse's. The YAML sends them to the main process, which answers most of them as well.`,
      fix: 'If they are workers, name each by what it is for (docs/workers.md). What went elsewhere:',
      lines: listTargets(workers),
    },
  ];
}

function tellLogins(logins: readonly SiteTarget[]): readonly Finding[] {
  const [first] = logins;
  if (first === undefined) return [];
  return [
    {
      id: 'import-login-elsewhere',
      severity: 'error',
      place: first.place,
      what: 'Logging in and out goes to an authentication service (MAS) of its own, and the YAML sends it to the homeserver, which does not do it then.',
      fix: 'If it is one service for all of these paths, without TLS, write its address as mas. They went:',
      lines: listTargets(logins),
    },
  ];
}

/** Both services have to be there: one alone is of no use, and which is which has to be known. */
function tellCalls(calls: readonly SiteTarget[]): readonly Finding[] {
  const [first] = calls;
  if (first === undefined) return [];
  const tokens = calls.find(isTokens)?.target.text;
  const media = calls.find((one) => !isTokens(one))?.target.text;
  const known = tokens !== undefined && media !== undefined;
  return [
    {
      id: 'import-calls',
      severity: 'error',
      place: first.place,
      what: 'Calls (lk-jwt-service, LiveKit) have paths on these hosts, and the YAML does not have them.',
      fix: 'Add rtc to the server in the YAML. Its paths are /livekit/jwt and /livekit/sfu: where they were others, LIVEKIT_URL of lk-jwt-service has to have the new one.',
      lines: [...(known ? [`    rtc: { jwt: ${tokens}, sfu: ${media} }`] : []), ...listTargets(calls)],
    },
  ];
}

function tellTargets(targets: readonly SiteTarget[]): readonly Finding[] {
  const [first] = targets;
  if (first === undefined) return [];
  return [
    {
      id: 'import-other-target',
      severity: 'warning',
      place: first.place,
      what: 'Some paths of these hosts go to other programs, and the sidecar has one website beside each homeserver.',
      fix: 'Give them host names of their own on another web server, or write one that knows them all as website:',
      lines: listTargets(targets),
    },
  ];
}

function listTargets(targets: readonly SiteTarget[]): readonly string[] {
  const lines = targets.slice(0, MOST_LINES).map(({ place, where, target }) => {
    const others = target.others.length === 0 ? '' : ` and ${target.others.length} more`;
    return `${formatPlace(place)}  ${where} -> ${target.text}${others}`;
  });
  return targets.length > MOST_LINES ? [...lines, `and ${targets.length - MOST_LINES} more`] : lines;
}

function tellNotes(site: Site): readonly Finding[] {
  return site.notes.map(({ place, what }) => ({
    id: 'import-not-carried',
    severity: 'warning',
    place,
    what: `This site ${what}.`,
    fix: 'Look whether you still need it.',
  }));
}

/** Two programs cannot have port 443, so what else is there has to go somewhere. */
function tellSites(hosts: Hosts, involved: readonly Site[]): readonly Finding[] {
  const others = hosts.sites.filter((site) => !involved.includes(site) && isWebsite(site));
  const [first] = others;
  if (first === undefined) return [];
  return [
    {
      id: 'import-other-sites',
      severity: 'warning',
      place: first.place,
      what: `${others.length === 1 ? 'Another site is' : `${others.length} other sites are`} served here that ${others.length === 1 ? 'has' : 'have'} nothing to do with Matrix, and ports 80 and 443 of one address can have one program only.`,
      fix: 'Give the sidecar an address of its own (listen), or let what has the ports pass the TLS connections for the Matrix hosts through (nginx: stream with ssl_preread). These sites:',
      lines: others
        .slice(0, MOST_LINES)
        .map(({ place, names }) => `${formatPlace(place)}  ${names.slice(0, 5).join(' ') || 'without a name'}`),
    },
  ];
}

/** Neither a redirect to https nor a site that turns away whoever comes by a wrong name. */
function isWebsite(site: Site): boolean {
  return site.listens.some(({ port }) => {
    const host = site.names.find((name) => /^[a-z0-9.-]+$/.test(name)) ?? 'unknown.invalid';
    const outcomes = [ROOT_PATH, `${WELL_KNOWN}server`, SYNC_PATH, MAIN_PATHS[0]].map((path) =>
      site.ask({ host, port, path }),
    );
    return outcomes.some(
      (one) =>
        one.do === 'proxy' ||
        one.do === 'files' ||
        one.do === 'other' ||
        (one.do === 'answer' && one.status < 300 && one.body !== ''),
    );
  });
}
