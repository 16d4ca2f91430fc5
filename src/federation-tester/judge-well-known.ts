import type { HttpsOutcome } from '../base/https-exchange.ts';
import type { Resolution, WellKnownHop, WellKnownLookup, WellKnownProblem } from '../discovery/resolution.ts';
import type { FindingId } from './finding-kinds.ts';
import { quote } from './quote.ts';
import { describeOutcome, readHeader } from './read-answer.ts';
import type { Remark } from './verdict.ts';
import { writeNginxWellKnown } from './write-lines.ts';

/** What is wrong with the well-known document, if it was looked for. `works`: something at the end of the way does. */
export function* judgeWellKnown(resolution: Resolution, works: boolean): Generator<Remark> {
  const { wellKnown } = resolution;
  if (wellKnown === undefined) return;
  if (wellKnown.result.ok) yield* judgeAnswer(wellKnown);
  else yield* judgeProblem(wellKnown, resolution, works);
}

const BAD_DOCUMENT =
  'Publish the right document there, or none: then other servers go on to SRV records and to port 8448.';
const BAD_REDIRECT =
  'Answer with the document itself instead of a redirect; or redirect once, to an https:// URL that has it.';

const PROBLEMS: Readonly<Partial<Record<WellKnownProblem, readonly [FindingId, fix: string]>>> = {
  'not-json': ['well-known-not-json', BAD_DOCUMENT],
  'no-m-server': ['well-known-no-m-server', BAD_DOCUMENT],
  'bad-m-server': [
    'well-known-bad-m-server',
    'Write a host name, with a port where it is not found by SRV or 8448: no https://, no path.',
  ],
  'too-large': ['well-known-too-large', `${BAD_DOCUMENT} It has one short line; other servers read 50 KiB at most.`],
  'redirect-loop': ['well-known-redirect-loop', BAD_REDIRECT],
  'too-many-redirects': ['well-known-too-many-redirects', BAD_REDIRECT],
  'bad-redirect': ['well-known-bad-redirect', BAD_REDIRECT],
  untrusted: [
    'well-known-untrusted',
    'Give that web server a certificate of a public authority for the server name, or close its port 443.',
  ],
};

function* judgeProblem(wellKnown: WellKnownLookup, resolution: Resolution, works: boolean): Generator<Remark> {
  if (wellKnown.result.ok) return;
  const { problem, words } = wellKnown.result;
  const last = wellKnown.hops.at(-1);
  const found = PROBLEMS[problem] ?? judgeStatusOrSilence(problem, last?.outcome);
  if (found === undefined) return;
  const [id, fix] = found;
  const { host } = resolution.serverName;
  yield {
    id,
    ...(works ? { severity: 'warning' as const } : {}),
    evidence: `${last === undefined ? `https://${host}/.well-known/matrix/server` : quote(last.url, 200).slice(1, -1)}: ${words}; so other servers go to ${placesOf(resolution)}`,
    fix,
    lines: writeNginxWellKnown(`matrix.${host}`, 443),
  };
}

function judgeStatusOrSilence(
  problem: WellKnownProblem,
  outcome: HttpsOutcome | undefined,
): readonly [FindingId, string] | undefined {
  if (problem === 'not-200' && outcome?.ok === true && outcome.status !== 404 && outcome.status !== 410) {
    return [
      'well-known-status',
      `Answer 200 with the document, or 404 if there shall be none. (${describeOutcome(outcome)} may be a passing trouble, and is taken for "none" all the same.)`,
    ];
  }
  // Nobody at port 443 is how most servers on port 8448 are; somebody who does not finish is not.
  if (problem === 'connection' && outcome?.ok === false && !['refused', 'unreachable'].includes(outcome.failure)) {
    return [
      'well-known-no-answer',
      'Make port 443 answer, or refuse connections: as it is, every server that looks for yours has to wait first.',
    ];
  }
  return undefined;
}

function* judgeAnswer({ hops }: WellKnownLookup): Generator<Remark> {
  const answers = hops.filter(hasOutcome);
  const shown = (url: string): string => quote(url, 200).slice(1, -1);
  const moved = answers.find(({ outcome }) => outcome.ok && outcome.status === 308);
  if (moved !== undefined) {
    yield {
      id: 'well-known-308',
      evidence: `${shown(moved.url)} answers 308`,
      fix: 'Answer with the document itself, or redirect with 301 or 302: there are servers that do not follow 308.',
      lines: ['nginx: return 301 https://other.example.com$request_uri;'],
    };
  }
  const last = answers.at(-1);
  if (last === undefined || !last.outcome.ok) return;
  const type = readHeader(last.outcome, 'content-type');
  if (type === undefined || !/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) {
    yield {
      id: 'well-known-content-type',
      evidence: `${shown(last.url)} has ${type === undefined ? 'no Content-Type' : `the Content-Type ${quote(type, 60)}`}`,
      fix: 'Label it as JSON: homeservers read it anyhow, other programs do not.',
      lines: ['nginx: default_type application/json;'],
    };
  }
  if (readHeader(last.outcome, 'access-control-allow-origin') !== '*') {
    yield {
      id: 'well-known-no-cors',
      evidence: `${shown(last.url)} has no Access-Control-Allow-Origin: *`,
      fix: 'Add the header, so that clients and testers in browsers may read the document; homeservers do not need it.',
      lines: ['nginx: add_header Access-Control-Allow-Origin * always;'],
    };
  }
  const cache = readHeader(last.outcome, 'cache-control') ?? '';
  if (/\b(no-store|no-cache|max-age=0)\b/i.test(cache)) {
    yield {
      id: 'well-known-not-cached',
      evidence: `${shown(last.url)} has Cache-Control: ${quote(cache, 60)}`,
      fix: 'Allow an hour: as it is, other servers ask again and again, and lose you when that web server is away for a moment.',
      lines: ['nginx: add_header Cache-Control "public, max-age=3600" always;'],
    };
  }
}

function hasOutcome(hop: WellKnownHop): hop is WellKnownHop & { readonly outcome: HttpsOutcome } {
  return hop.outcome !== undefined;
}

function placesOf(resolution: Resolution): string {
  const places = resolution.destinations.slice(0, 3).map(({ host, port }) => `${host}:${port}`);
  return places.length === 0 ? 'nowhere' : places.join(', ');
}
