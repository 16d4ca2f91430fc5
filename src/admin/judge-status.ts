import { formatDuration, formatTime, tameLine } from '../federation-tester/quote.ts';
import type { CertificateStatus, InstanceStatus, Status } from './status.ts';

/** Whether all is well, and if not, what is wrong. */
export interface StatusVerdict {
  /** Nothing is wrong. */
  readonly ok: boolean;
  readonly level: 'good' | 'warn' | 'bad';
  /** One sentence: that all is well, or the worst that is not. */
  readonly headline: string;
  /** The worst first. */
  readonly problems: readonly StatusProblem[];
}

export interface StatusProblem {
  /** `bad`: somebody is not served. `warn`: that may come. */
  readonly level: 'warn' | 'bad';
  /** One sentence. */
  readonly what: string;
}

type Server = Status['servers'][number];

/** Milliseconds of traffic that are looked at, and how many requests have to fail, in all and of all, to be worth a word. */
const LATELY = 60_000;
const FAILURES = { least: 5, share: 0.05 };

/** By what is so at the moment; what was so before is not looked at. Pure. */
export function judgeStatus(status: Status): StatusVerdict {
  const now = Date.parse(status.at);
  const found = [
    ...(status.draining ? [warn('The sidecar is stopping: it finishes what is under way and takes nothing new.')] : []),
    ...status.servers.flatMap((server) => judgeServer(server, now)),
    ...status.certificates.flatMap((certificate) => judgeCertificate(certificate, now)),
    ...judgeProcesses(status),
    ...judgeTraffic(status),
    ...judgeWarnings(status.warnings, listAway(status.servers)),
  ];
  const problems = [...found.filter(({ level }) => level === 'bad'), ...found.filter(({ level }) => level === 'warn')];
  const [worst] = problems;
  if (worst === undefined) return { ok: true, level: 'good', headline: sayWell(status), problems: [] };
  return { ok: false, level: worst.level, headline: worst.what, problems };
}

/** Names for a sentence: the first, and how many more. */
export function sayNames(names: readonly string[], more: string): string {
  const [first = 'nothing', ...rest] = names;
  if (rest.length === 0) return first;
  return rest.length === 1 ? `${first} and ${rest[0]}` : `${first} and ${rest.length} more ${more}`;
}

function sayWell({ servers, certificates }: Status): string {
  const here = sayNames(
    servers.map(({ server_name }) => server_name),
    'servers',
  );
  const days = Math.min(...certificates.map(({ days_left }) => days_left));
  const many = certificates.length > 1;
  const good = many ? 'all certificates are good' : 'the certificate is good';
  const left = `${days} day${days === 1 ? '' : 's'}${many ? ' or more' : ''}`;
  return `All is well: ${here} ${servers.length > 1 ? 'are' : 'is'} up${certificates.length === 0 ? '' : `, and ${good} for ${left}`}.`;
}

function judgeServer(server: Server, now: number): StatusProblem[] {
  const { server_name: name, away_seconds, instances } = server;
  const problems: StatusProblem[] = [];
  if (away_seconds !== null) {
    // An instant, not a length: who hears the page read aloud hears of it once.
    const since = instances.length === 1 ? Date.parse(instances[0]!.since) : now - away_seconds * 1000;
    problems.push(bad(`The homeserver of ${name} has been away since ${formatTime(since)}${explain(instances)}.`));
  } else problems.push(...judgeInstances(`the homeserver of ${name}`, instances, ': it gets no requests'));
  problems.push(
    ...judgeInstances(`the authentication service of ${name}`, server.mas_instances, ': nobody can log in'),
    ...judgeInstances(`the token service for calls of ${name}`, server.rtc_jwt_instances, ': nobody gets into a call'),
    ...judgeInstances(`the media server for calls of ${name}`, server.rtc_sfu_instances, ': there are no calls'),
    ...judgeInstances(`the website of ${name}`, server.website_instances, ''),
    ...server.workers.flatMap((one) => judgeInstances(`the ${one.pool} workers of ${name}`, one.instances, '')),
  );
  return problems;
}

/** `whole`: what it comes to when all are away. */
function judgeInstances(of: string, instances: readonly InstanceStatus[], whole: string): StatusProblem[] {
  const away = instances.filter(({ state }) => state === 'ejected');
  if (away.length === 0) return [];
  const what = of[0]!.toUpperCase() + of.slice(1);
  const plural = of.startsWith('the') && of.includes(' workers ');
  if (away.length === instances.length) return [bad(`${what} ${plural ? 'are' : 'is'} away${whole}${explain(away)}.`)];
  return [
    warn(
      `${away.length} of ${instances.length} instances of ${of} ${away.length === 1 ? 'is' : 'are'} away${explain(away)}.`,
    ),
  ];
}

/** Why, as far as it is known. */
function explain(instances: readonly InstanceStatus[]): string {
  const why = instances.find((one) => one.why !== null)?.why;
  return why === undefined || why === null ? '' : ` (${trimEnd(why)})`;
}

function judgeCertificate(
  { names, not_after, level, obstacle, next_attempt }: CertificateStatus,
  now: number,
): StatusProblem[] {
  const which = `he certificate for ${sayNames(names, 'names')}`;
  const left = Date.parse(not_after) - now;
  const why = obstacle ?? next_attempt?.why;
  const because = why === undefined ? '' : `: ${trimEnd(why)}`;
  switch (level) {
    case 'missing':
      return [bad(`T${which} is yet to come${because}.`)];
    case 'expired':
      return [bad(`T${which} expired ${formatDuration(left)} ago${because}.`)];
    case 'emergency':
      return [bad(`T${which} ends in ${formatDuration(left)}${because}.`)];
    case 'at-risk':
      return [warn(`T${which} ends in ${formatDuration(left)}${because}.`)];
    case 'ok':
      return obstacle === null ? [] : [warn(`Something stands in the way of t${which}: ${trimEnd(obstacle)}.`)];
  }
}

function judgeProcesses({ processes, draining }: Status): StatusProblem[] {
  if (draining) return [];
  return processes.flatMap(({ slot, state, restarts }) => {
    const again =
      restarts === 0 ? '' : `; one in its place ended ${restarts === 1 ? 'once' : `${restarts} times`} before`;
    if (state === 'silent') return [bad(`Process ${slot} does not answer${again}.`)];
    return state === 'starting' ? [warn(`Process ${slot} is starting${again}.`)] : [];
  });
}

function judgeTraffic({ traffic }: Status): StatusProblem[] {
  const steps = Math.round(LATELY / 1000 / traffic.step_seconds);
  const sum = (series: Status['traffic']['series']): number =>
    series.flatMap(({ requests }) => requests.slice(-steps)).reduce((all, one) => all + one, 0);
  const all = sum(traffic.series);
  const failed = sum(traffic.series.filter(({ status }) => status === '5xx'));
  if (failed < FAILURES.least || failed < FAILURES.share * all) return [];
  const share = Math.round((failed / all) * 100);
  return [warn(`Of the requests of the last minute ${share} % failed (5xx).`)];
}

/**
 * What people are told of that the state does not show: it has what is at one of the places `away`. Of a program that is told
 * to be down and seems to be here, it is not sure yet: it is back for less than a minute, or does not answer to /health.
 */
function judgeWarnings(warnings: Status['warnings'], away: readonly string[]): StatusProblem[] {
  const isKnown = (sentence: string): boolean =>
    away.some((place) => sentence.includes(`${place})`) || sentence.includes(`${place}, `));
  return warnings.flatMap(({ about, sentence }) => {
    if (about === 'federation') return [bad(sentence)];
    if (about === 'apex') return [warn(sentence)];
    return about === 'homeserver' && !isKnown(sentence) ? [warn(sentence)] : [];
  });
}

function listAway(servers: Status['servers']): readonly string[] {
  const places = servers.flatMap((server) => {
    const { away_seconds, instances, mas_instances, rtc_jwt_instances, rtc_sfu_instances, workers } = server;
    const beside = [mas_instances, rtc_jwt_instances, rtc_sfu_instances, ...workers.map((one) => one.instances)];
    return [
      ...instances.filter(({ state }) => away_seconds !== null || state === 'ejected'),
      ...beside.flat().filter(({ state }) => state === 'ejected'),
    ];
  });
  return [...new Set(places.map(({ place }) => place))];
}

function trimEnd(text: string): string {
  return text.trimEnd().replace(/[.;:]+$/, '');
}

const warn = (what: string): StatusProblem => ({ level: 'warn', what: tameLine(what) });
const bad = (what: string): StatusProblem => ({ level: 'bad', what: tameLine(what) });
