import { parseUpstream } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import type { FoundServer } from './find-servers.ts';
import type { Hosts } from './hosts.ts';
import { ROOT_PATH } from './matrix-paths.ts';
import { formatPlace, type Place } from './place.ts';
import type { Outcome } from './site.ts';
import { entry, type YamlEntry } from './yaml-entry.ts';

export interface PlannedWebsite {
  readonly entry: YamlEntry | undefined;
  /** The upstream, where there is one. */
  readonly upstream: string | undefined;
  readonly findings: readonly Finding[];
}

const NONE: PlannedWebsite = { entry: undefined, upstream: undefined, findings: [] };

/** What else lives on the hosts of a server: of the server name's own first. */
export function planWebsite(hosts: Hosts, server: FoundServer): PlannedWebsite {
  const candidates = [...new Set([...(server.apexHere ? [server.name] : []), server.delegateTo?.host ?? server.name])];
  for (const host of candidates) {
    const port = hosts.mainPort(host);
    const outcome = port === undefined ? undefined : hosts.ask(host, port, ROOT_PATH);
    const planned = outcome === undefined ? NONE : planFor(host, outcome, server);
    if (planned === NONE) continue;
    const others = candidates.filter((other) => other !== host);
    return {
      ...planned,
      findings: [...planned.findings, ...others.flatMap((other) => tellShared(hosts, host, other, planned))],
    };
  }
  return NONE;
}

function planFor(host: string, outcome: Outcome, server: FoundServer): PlannedWebsite {
  if (outcome.do === 'proxy') return planProxied(host, outcome, server);
  if (outcome.do === 'files') return propose(host, outcome.place, describeFiles(outcome.folder));
  if (outcome.do === 'other') return propose(host, outcome.place, `answered by ${outcome.what}`);
  if (outcome.do === 'answer') {
    return outcome.status < 300 && outcome.body !== ''
      ? propose(host, outcome.place, 'an answer written in the configuration')
      : NONE;
  }
  // To the same place with or without a slash or TLS, there is nothing to carry over.
  return outcome.location.includes(`//${host}`)
    ? NONE
    : propose(host, outcome.place, `a redirect to ${outcome.location}`);
}

/** There is one website for all hosts of a server. */
function tellShared(hosts: Hosts, host: string, other: string, { upstream }: PlannedWebsite): readonly Finding[] {
  const port = hosts.mainPort(other);
  const outcome = port === undefined ? undefined : hosts.ask(other, port, ROOT_PATH);
  if (outcome === undefined || (outcome.do === 'proxy' && outcome.target.text === upstream)) return [];
  if (upstream === undefined && outcome.do !== 'proxy') return [];
  const what =
    upstream === undefined
      ? `What is not Matrix on https://${other}/ went on to another server, and is answered 404 now: a server has one website, which is that of ${host}.`
      : `What is not Matrix on https://${other}/ goes to the website of ${host} as well: a server has one.`;
  return [
    {
      id: 'import-website-shared',
      severity: 'info',
      place: outcome.place,
      what,
      fix: 'Where that matters, let the web server behind website look at the Host header.',
    },
  ];
}

function describeFiles(folder: string | undefined): string {
  return folder === undefined ? 'a folder of files' : `the files in ${folder}`;
}

function planProxied(host: string, outcome: Extract<Outcome, { do: 'proxy' }>, server: FoundServer): PlannedWebsite {
  const { target, place, way } = outcome;
  const upstream = parseUpstream(target.text);
  if (target.tls) return propose(host, place, `${target.text}, to which the sidecar would need TLS`);
  if (!upstream.ok) return propose(host, place, `${target.text}, which cannot be written here`);
  const same = target.text === server.homeserver?.target.text;
  const note = same ? `${formatPlace(place)}: everything else went to the homeserver as well` : place;
  const findings: Finding[] = [];
  if (way.rewritten !== undefined && way.rewritten !== ROOT_PATH) {
    findings.push({
      id: 'import-website-path',
      severity: 'warning',
      place,
      what: `The website of ${host} is asked for ${way.rewritten} where a browser asks for /; the sidecar passes the path on as it came.`,
      fix: 'Let that web server serve the website from its root.',
    });
  }
  return { entry: entry('website', upstream.value.text, note), upstream: target.text, findings };
}

function propose(host: string, place: Place, what: string): PlannedWebsite {
  const finding: Finding = {
    id: 'import-website',
    severity: 'warning',
    place,
    what: `https://${host}/ is ${what}. The sidecar has no website of its own.`,
    fix: 'Let a web server serve it without TLS on another port, and write that as website.',
  };
  const proposed = { ...entry('website', 'http://127.0.0.1:8080', `${formatPlace(place)}: ${what}`), proposed: true };
  return { entry: proposed, upstream: undefined, findings: [finding] };
}
