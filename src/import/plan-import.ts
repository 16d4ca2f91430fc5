import type { Upstream } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import { type FoundServer, findServers } from './find-servers.ts';
import { createHosts } from './hosts.ts';
import { tooLarge } from './import-error.ts';
import { lintDocuments } from './lint-documents.ts';
import { lintPassing } from './lint-passing.ts';
import { lintReach } from './lint-reach.ts';
import { listLeftovers } from './list-leftovers.ts';
import { nameHosts } from './name-hosts.ts';
import { formatPlace, type Place } from './place.ts';
import { type CertificateLooks, planCertificate } from './plan-certificate.ts';
import { planDocuments } from './plan-documents.ts';
import { planHomeserver } from './plan-homeserver.ts';
import { type FrontProxy, planListen } from './plan-listen.ts';
import { planWebsite } from './plan-website.ts';
import { planWorkers } from './plan-workers.ts';
import type { Site, SiteNote } from './site.ts';
import { listWorkerSamples } from './worker-samples.ts';
import { entry, writeYaml, type YamlEntry } from './yaml-entry.ts';

/** Everything that was read of a set-up. */
export interface ImportFacts {
  readonly program: 'nginx' | 'Caddy';
  readonly sites: readonly Site[];
  /** What belongs to no site. */
  readonly foreign: readonly SiteNote[];
  readonly proxies: readonly FrontProxy[];
  readonly certificates: CertificateLooks;
  /** Found while reading. */
  readonly findings: readonly Finding[];
  /** Sections that the program has itself: `acme`, `certificates`. */
  readonly sections: readonly YamlEntry[];
}

/** What the person says who knows better. */
export interface ImportHints {
  readonly serverName: string | undefined;
  readonly homeserver: Upstream | undefined;
  readonly store: string | undefined;
}

export interface ImportPlan {
  /** Undefined where nothing has to do with Matrix. */
  readonly yaml: string | undefined;
  /** The worst first, each once. */
  readonly findings: readonly Finding[];
  /** Files and folders that `certs import` can take certificates from. */
  readonly carry: readonly string[];
}

/** Every site is asked about every name. */
const [MOST_SITES, MOST_NAMES] = [2000, 5000];

/** Turns what was read into a configuration, and says what was wrong and what is left. Pure; throws a SidecarError for too much of it. */
export function planImport(facts: ImportFacts, hints: ImportHints): ImportPlan {
  const { sites, certificates } = facts;
  const names = sites.reduce((sum, site) => sum + site.names.length, 0);
  if (sites.length > MOST_SITES || names > MOST_NAMES)
    throw tooLarge(`There are ${sites.length} sites with ${names} names`);
  const named = nameHosts(sites, hints.serverName, (site) => listCovered(site, certificates));
  const hosts = createHosts(sites, named.hosts);
  const servers = findServers(hosts, hints);
  if (servers.length === 0) return { yaml: undefined, findings: order(facts.findings), carry: [] };
  const listen = planListen(hosts, servers, facts.proxies);
  const findings: Finding[] = [...facts.findings, ...listen.findings];
  const carry: string[] = [];
  const known = new Set<string>();
  const samples = listWorkerSamples();
  const written = servers.map((server) => {
    const homeserver = planHomeserver(server, servers.length === 1 ? hints.homeserver : undefined);
    const workers = planWorkers(hosts, server, samples, servers.length);
    const website = planWebsite(hosts, server);
    const documents = planDocuments(hosts, server, listen.httpsPorts);
    const certificate = planCertificate(hosts, server, certificates);
    findings.push(
      ...homeserver.findings,
      ...workers.findings,
      ...website.findings,
      ...certificate.findings,
      ...documents.inexact.map(tellInexact),
    );
    carry.push(...certificate.carry);
    if (website.upstream !== undefined) known.add(website.upstream);
    for (const text of workers.carried) known.add(text);
    return {
      above: describeServer(server),
      entries: [
        entry('server_name', server.name, server.place),
        homeserver.entry,
        ...workers.entries,
        ...writeDelegation(server),
        ...(website.entry === undefined ? [] : [website.entry]),
        ...(certificate.entry === undefined ? [] : [certificate.entry]),
        ...writeDocuments(documents.additions, documents.from),
      ],
    };
  });
  findings.push(
    ...lintPassing(hosts, servers),
    ...lintDocuments(hosts, servers),
    ...lintReach(hosts, servers),
    ...listLeftovers(hosts, servers, known),
    ...[...named.invented].map(([site, name]) => tellInvented(site, name)),
    ...servers.flatMap(tellAliases),
    ...facts.foreign.map(
      ({ place, what }): Finding => ({
        id: 'import-not-carried',
        severity: 'info',
        place,
        what: `This ${what}.`,
        fix: 'Look whether you still need it.',
      }),
    ),
  );
  const head = [
    `Made by matrix-sidecar import from a configuration of ${facts.program}. Each line says where it is from.`,
  ];
  const store = hints.store === undefined ? [] : [entry('store', hints.store, undefined)];
  // Of two files that both have a section, the first one counts.
  const sections = [...new Map([...facts.sections].reverse().map((one) => [one.key, one])).values()];
  const yaml = writeYaml(head, written, [...listen.sections, ...sections, ...store]);
  return { yaml, findings: order(findings), carry: [...new Set(carry)] };
}

function listCovered(site: Site, certificates: CertificateLooks): readonly string[] {
  return site.certificates.flatMap(({ cert }) => {
    const look = certificates.get(cert);
    return look?.kind === 'found' ? look.names : [];
  });
}

function describeServer({ named, name }: FoundServer): readonly string[] {
  return named === 'guessed' ? [`${name} is a guess: compare it with server_name in homeserver.yaml.`] : [];
}

function writeDelegation({ delegateTo, delegated, apexHere }: FoundServer): readonly YamlEntry[] {
  if (delegateTo === undefined) return [];
  const to = entry('delegate_to', delegateTo.text, delegated ?? 'the host that is served here');
  return apexHere ? [to] : [to, entry('apex', 'elsewhere', undefined)];
}

function writeDocuments(additions: Readonly<Record<string, unknown>>, from: readonly Place[]): readonly YamlEntry[] {
  if (Object.keys(additions).length === 0) return [];
  return [entry('well_known', additions, from.map(formatPlace).join(', '))];
}

function tellInexact({ host, name, last }: ReturnType<typeof planDocuments>['inexact'][number]): Finding {
  return {
    id: 'import-document-inexact',
    severity: 'warning',
    place: last.place,
    what: `https://${host}/.well-known/matrix/${name} has a null in it, which well_known cannot write: there it takes a member away.`,
    fix: 'Leave it out: to clients, a member that is null is as good as none.',
  };
}

function tellInvented({ place, names }: Site, name: string): Finding {
  const said = names.length === 0 ? 'has no server_name' : `has the name ${names.slice(0, 3).join(' ')}`;
  return {
    id: 'import-name-unknown',
    severity: 'error',
    place,
    what: `This site ${said}, which does not say for which host it is; ${name} stands in its place.`,
    fix: 'Run this again with --server-name, or correct the names in the YAML.',
  };
}

function tellAliases({ aliases, homeserver, name, place }: FoundServer): readonly Finding[] {
  const at = homeserver?.place ?? place;
  if (aliases.length === 0 || at === undefined) return [];
  return [
    {
      id: 'import-other-hosts',
      severity: 'warning',
      place: at,
      what: `${aliases.slice(0, 10).join(', ')} ${aliases.length === 1 ? 'is' : 'are'} served like ${name} here, and the sidecar gets no certificate for ${aliases.length === 1 ? 'that name' : 'those names'}.`,
      fix: 'If clients use it, make it the host in delegate_to, or bring a certificate that covers it; a website can live elsewhere.',
    },
  ];
}

const WEIGHT = { error: 0, warning: 1, info: 2 };

const MOST_PLACES = 8;

/** The same mistake is one, however many hosts and paths meet it; its other places stand in its lines. */
function order(findings: readonly Finding[]): readonly Finding[] {
  const byPlace = new Map<string, Finding>();
  for (const one of findings) {
    const key = `${one.id} ${one.place === undefined ? one.what : formatPlace(one.place)}`;
    if (!byPlace.has(key)) byPlace.set(key, one);
  }
  const sorted = [...byPlace.values()].sort(compare);
  const distinct = [...Map.groupBy(sorted, ({ id, what }) => `${id} ${what}`).values()];
  return distinct.map(([first, ...others]) => {
    const places = others.flatMap(({ place }) => (place === undefined ? [] : [formatPlace(place)]));
    if (places.length === 0) return first!;
    const more = places.length > MOST_PLACES ? ` and ${places.length - MOST_PLACES} more` : '';
    return { ...first!, lines: [...(first!.lines ?? []), `also at ${places.slice(0, MOST_PLACES).join(', ')}${more}`] };
  });
}

function compare(a: Finding, b: Finding): number {
  return (
    WEIGHT[a.severity] - WEIGHT[b.severity] ||
    (a.place?.file ?? '').localeCompare(b.place?.file ?? '', 'en') ||
    (a.place?.line ?? 0) - (b.place?.line ?? 0)
  );
}
