import { formatHostPort, parsePort } from '../base/address.ts';
import type { HttpsOutcome } from '../base/https-exchange.ts';
import type { Resolution, WellKnownHop, WellKnownLookup, WellKnownProblem } from '../discovery/resolution.ts';
import { isJsonObject, ownMember } from '../matrix/json.ts';
import { parseServerName } from '../matrix/server-name.ts';
import type { FindingId } from './finding-kinds.ts';
import { sayOwnAuthority } from './judge-tls.ts';
import { quote } from './quote.ts';
import { describeOutcome, readHeader } from './read-answer.ts';
import { readCertificates } from './read-certificates.ts';
import { readJsonBody } from './read-json-body.ts';
import { toAsciiName } from './to-ascii-name.ts';
import type { Policy, Remark } from './verdict.ts';
import { writeNginxWellKnown } from './write-lines.ts';

/** What else counts for the judgement of a document. */
export interface WithoutDocument {
  /** Without it, servers get to the right place. */
  readonly home: boolean;
  /** And there, everything is as it should be. */
  readonly works: boolean;
  readonly policy: Policy;
}

/** What is wrong with the well-known document, if it was looked for. */
export function* judgeWellKnown(resolution: Resolution, without: WithoutDocument): Generator<Remark> {
  const { wellKnown } = resolution;
  if (wellKnown === undefined) return;
  if (wellKnown.result.ok) yield* judgeAnswer(wellKnown);
  else yield* judgeProblem(wellKnown, resolution, without);
}

const BAD_DOCUMENT =
  'Publish the right well-known document, or answer 404: then other servers go on to SRV records and to port 8448.';
const BAD_REDIRECT =
  'Answer with the well-known document itself instead of a redirect; or redirect once, to an https:// URL that has it.';

const PROBLEMS: Readonly<Partial<Record<WellKnownProblem, readonly [FindingId, fix: string]>>> = {
  'not-json': ['well-known-not-json', BAD_DOCUMENT],
  'no-m-server': ['well-known-no-m-server', BAD_DOCUMENT],
  'bad-m-server': [
    'well-known-bad-m-server',
    'Write a host name into m.server, with a port where it is not found by SRV or 8448: no https://, no path.',
  ],
  'too-large': ['well-known-too-large', `${BAD_DOCUMENT} It has one short line; other servers read 50 KiB at most.`],
  'redirect-loop': ['well-known-redirect-loop', BAD_REDIRECT],
  'too-many-redirects': ['well-known-too-many-redirects', BAD_REDIRECT],
  'bad-redirect': ['well-known-bad-redirect', BAD_REDIRECT],
};

function* judgeProblem(
  wellKnown: WellKnownLookup,
  resolution: Resolution,
  without: WithoutDocument,
): Generator<Remark> {
  if (wellKnown.result.ok) return;
  const { problem, words } = wellKnown.result;
  const last = wellKnown.hops.at(-1);
  const found = PROBLEMS[problem] ?? judgeStatusOrSilence(problem, wellKnown.hops, without);
  if (found === undefined) return;
  const [id, usual, title] = found;
  const { home } = without;
  const { host } = resolution.serverName;
  const written = problem === 'bad-m-server' ? readMServer(last?.outcome) : undefined;
  const ascii = written === undefined || /^[ -~]*$/.test(written) ? undefined : toAsciiName(written);
  const fix = ascii === undefined ? usual : `Write the name in m.server as the DNS has it: ${ascii}.`;
  const client = problem === 'no-m-server' ? readClientHost(last?.outcome) : undefined;
  const also =
    client === undefined ? '' : ' (m.homeserver is for clients, and belongs into /.well-known/matrix/client)';
  yield {
    id,
    ...(title === undefined ? {} : { title }),
    // Synapse takes a name that is none as it is, and fails, wherever the way would lead without it.
    ...(home && !isTakenAsItIs(written) ? { severity: 'warning' as const } : {}),
    evidence: `${last === undefined ? `https://${host}/.well-known/matrix/server` : quote(last.url, 200).slice(1, -1)}: ${words}${also}; so other servers go to ${placesOf(resolution)}`,
    fix,
    ...writeRemedy(id, host, home, ascii ?? written ?? client),
  };
}

/** The document as it was meant, as far as that can be told; none at all, where the way without one is right. */
function writeRemedy(id: FindingId, host: string, home: boolean, written: string | undefined): Pick<Remark, 'lines'> {
  if (id === 'well-known-untrusted' || id === 'well-known-no-answer') return {};
  const meant = written === undefined ? undefined : readMeant(written);
  if (meant !== undefined) return { lines: writeNginxWellKnown(meant.host, meant.port) };
  if (home) return { lines: ['location = /.well-known/matrix/server { return 404; }'] };
  return {
    lines: [
      `# where your homeserver is, here matrix.${host}, port 443, for example:`,
      ...writeNginxWellKnown(`matrix.${host}`, 443),
    ],
  };
}

function readMServer(outcome: HttpsOutcome | undefined): string | undefined {
  const document = outcome?.ok === true ? readJsonBody(outcome.body) : undefined;
  const written = isJsonObject(document) ? ownMember(document, 'm.server') : undefined;
  return typeof written === 'string' ? written : undefined;
}

/** Where a document for clients, published in the wrong place, says that the homeserver is: as `readMeant` reads it. */
function readClientHost(outcome: HttpsOutcome | undefined): string | undefined {
  const document = outcome?.ok === true ? readJsonBody(outcome.body) : undefined;
  const homeserver = isJsonObject(document) ? ownMember(document, 'm.homeserver') : undefined;
  const url = isJsonObject(homeserver) ? ownMember(homeserver, 'base_url') : undefined;
  return typeof url === 'string' ? url : undefined;
}

function isTakenAsItIs(written: string | undefined): boolean {
  return written !== undefined && written !== '';
}

/** `https://matrix.example.com/` for `matrix.example.com:443`: the usual mistake; and names that are right already. */
function readMeant(written: string): { readonly host: string; readonly port: number } | undefined {
  const right = parseServerName(written);
  if (right.ok) return { host: right.value.host, port: right.value.port ?? 8448 };
  const [, host = '', port = '443'] =
    /^https:\/\/([A-Za-z0-9.-]{1,255})(?::(\d{1,5}))?(?:\/[!-~]*)?$/.exec(written) ?? [];
  const number = parsePort(port);
  return host === '' || number === undefined || number === 0 ? undefined : { host: host.toLowerCase(), port: number };
}

function judgeStatusOrSilence(
  problem: WellKnownProblem,
  hops: readonly WellKnownHop[],
  { works, policy }: WithoutDocument,
): readonly [FindingId, fix: string, title?: string] | undefined {
  const last = hops.at(-1);
  const outcome = last?.outcome;
  if (problem === 'untrusted') {
    // No URL parser: a host name may be one that it takes for an address.
    const host = last?.url.split('/')[2] ?? 'its name';
    return ['well-known-untrusted', mendCertificate(host, outcome, { works, policy })];
  }
  const moved = last !== undefined && last.url !== hops[0]?.url;
  if (moved && problem !== 'not-200') return ['well-known-bad-redirect', BAD_REDIRECT];
  if (problem === 'not-200' && outcome?.ok === true && outcome.status !== 404 && outcome.status !== 410) {
    return [
      'well-known-status',
      `Answer 200 with the document, or 404 if there shall be none. (${describeOutcome(outcome)} may be a passing trouble, and is taken for "none" all the same.)`,
    ];
  }
  // Nobody at port 443 is how most servers on port 8448 are; somebody who does not finish is not.
  if (problem === 'connection' && outcome?.ok === false && !['refused', 'unreachable'].includes(outcome.failure)) {
    // Closing the port helps only those who have something that works on the other one.
    const close = works ? ', or refuse connections: as it is, every' : ': every';
    if (outcome.failure === 'no-tls') {
      const speak = `Let port 443 speak TLS, with a certificate for its name${works ? ', or refuse connections' : ''}`;
      const title = 'The web server that should have the well-known document speaks no TLS';
      return ['well-known-no-answer', `${speak}: other servers look there first.`, title];
    }
    const fix = `Make port 443 answer${close} server that looks for yours has to wait first.`;
    if (['connect-timeout', 'handshake-timeout', 'answer-timeout'].includes(outcome.failure)) {
      return ['well-known-no-answer', fix];
    }
    return [
      'well-known-no-answer',
      fix,
      'The web server that should have the well-known document gives no usable answer',
    ];
  }
  return undefined;
}

/** The certificate of a web server that is not trusted: by its name, or by an authority that may be one's own. */
function mendCertificate(
  host: string,
  outcome: HttpsOutcome | undefined,
  { works, policy }: Pick<WithoutDocument, 'works' | 'policy'>,
): string {
  const close = works ? ', or close its port 443' : '';
  const code = outcome?.tls?.untrusted?.code ?? '';
  const issuer = readCertificates(outcome?.tls?.chain ?? []).at(-1)?.issuer;
  if (/^UNABLE_TO_|^SELF_SIGNED_CERT_IN_CHAIN$/.test(code) && issuer !== undefined) {
    return `Let the web server of https://${host} serve its whole chain, by an authority that the other servers know${close}; or, ${sayOwnAuthority(issuer, policy)}.`;
  }
  const whose = policy.ownAuthority === true || code.endsWith('_MISMATCH') ? '' : ' of a public authority';
  return `Give the web server of https://${host} a certificate${whose} for that name${close}.`;
}

function* judgeAnswer({ hops }: WellKnownLookup): Generator<Remark> {
  const answers = hops.filter(hasOutcome);
  const shown = (url: string): string => quote(url, 200).slice(1, -1);
  const moved = answers.find(({ outcome }) => outcome.ok && outcome.status === 308);
  if (moved !== undefined) {
    yield {
      id: 'well-known-308',
      evidence: `${shown(moved.url)} answers 308`,
      fix: 'Answer with the well-known document itself, or redirect with 301 or 302: there are servers that do not follow 308.',
      ...writeRedirect(hops[hops.indexOf(moved) + 1]?.url),
    };
  }
  const last = answers.at(-1);
  if (last === undefined || !last.outcome.ok) return;
  const type = readHeader(last.outcome, 'content-type');
  if (type === undefined || !/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) {
    yield {
      id: 'well-known-content-type',
      evidence: `${shown(last.url)} has ${type === undefined ? 'no Content-Type' : `the Content-Type ${quote(type, 60)}`}`,
      fix: 'Label the well-known document as JSON: homeservers read it anyhow, other programs do not.',
      lines: ['nginx: default_type application/json;'],
    };
  }
  if (readHeader(last.outcome, 'access-control-allow-origin') !== '*') {
    yield {
      id: 'well-known-no-cors',
      evidence: `${shown(last.url)} has no Access-Control-Allow-Origin: *`,
      fix: 'Add Access-Control-Allow-Origin to the well-known document, so that clients and testers in browsers may read the document; homeservers do not need it.',
      lines: ['nginx: add_header Access-Control-Allow-Origin * always;'],
    };
  }
  const cache = readHeader(last.outcome, 'cache-control') ?? '';
  if (/\b(no-store|no-cache|max-age=0)\b/i.test(cache)) {
    yield {
      id: 'well-known-not-cached',
      evidence: `${shown(last.url)} has Cache-Control: ${quote(cache, 60)}`,
      fix: 'Allow the well-known document to be kept for an hour: as it is, other servers ask again and again, and lose you when that web server is away for a moment.',
      lines: ['nginx: add_header Cache-Control "public, max-age=3600" always;'],
    };
  }
}

/** The same redirect with another status, where its target has nothing that nginx would take for something else. */
function writeRedirect(url: string | undefined): Pick<Remark, 'lines'> {
  return url !== undefined && /^[\w:/.~%?&=+-]{1,200}$/.test(url) ? { lines: [`nginx: return 301 ${url};`] } : {};
}

function hasOutcome(hop: WellKnownHop): hop is WellKnownHop & { readonly outcome: HttpsOutcome } {
  return hop.outcome !== undefined;
}

function placesOf(resolution: Resolution): string {
  // As it is meant, whatever --connect-to makes of it.
  const places = resolution.destinations.slice(0, 3).map(({ host, port, meant }) => {
    return formatHostPort(meant?.host ?? host, meant?.port ?? port);
  });
  return places.length === 0 ? 'nowhere' : places.join(', ');
}
