import type { HttpsOutcome } from '../base/https-exchange.ts';
import { isJsonObject, ownMember } from '../matrix/json.ts';
import type { AddressFacts, SignedAnswers } from './facts.ts';
import { describeOutcome, readAnswer, readErrcode } from './read-answer.ts';
import { readJsonBody } from './read-json-body.ts';
import type { NotTested, Remark } from './verdict.ts';
import { UNTOUCHED_PATHS } from './write-lines.ts';

/**
 * What becomes of real federation requests at one address: their signature, their path, their body, their patience.
 * `itself`: it is certainly the homeserver that was asked for, which fetched our keys if anybody did.
 */
export function* judgeRequests(about: AddressFacts, itself: boolean): Generator<Remark> {
  const { signed } = about;
  const path = [...judgeUnsignedPath(about), ...(signed === undefined ? [] : judgeSigned(about, signed, itself))];
  // The same trouble shows with and without a signature.
  yield* path.filter((remark, index) => path.findIndex(({ id }) => id === remark.id) === index);
  yield* judgeBody(about);
  yield* judgeHold(about);
}

/** Without a signature, a homeserver refuses; a proxy that refuses, or another endpoint that answers, shows all the same. */
function* judgeUnsignedPath({ unsigned }: AddressFacts): Generator<Remark> {
  const [plain, escaped] = [readAnswer(unsigned.plain), readAnswer(unsigned.escaped)];
  if (plain === 'accepted') {
    yield {
      id: 'signature-not-checked',
      evidence: `an event, asked for without a signature: ${describeOutcome(unsigned.plain)}`,
      fix: 'If this is a homeserver, report it to its authors; if it is a proxy that answers for one, let it forward /_matrix.',
    };
    return;
  }
  if (plain !== 'refused') return;
  if (escaped === 'foreign') {
    yield refusedPath(`the same with %2F and %23 in the path: ${describeOutcome(unsigned.escaped)}`);
  } else if (escaped === 'unrecognized') {
    yield mangledPath(
      `an event whose id has %2F in it: ${describeOutcome(unsigned.escaped)}, the homeserver got another path`,
    );
  }
}

function* judgeSigned(about: AddressFacts, signed: SignedAnswers, itself: boolean): Generator<Remark> {
  const [plain, escaped, slashes] = [signed.plain, signed.escaped, signed.slashes].map(readAnswer);
  if (plain === 'refused') yield* judgeRefusedSignature(about, signed, itself);
  if (plain !== 'accepted') return;
  if (escaped === 'foreign') {
    yield refusedPath(`a signed request with %2F and %23 in its path: ${describeOutcome(signed.escaped)}`);
  } else if (escaped === 'refused' || escaped === 'unrecognized') {
    yield mangledPath(
      `a signed request is accepted (${describeOutcome(signed.plain)}), the same with escapes in its path is not (${describeOutcome(signed.escaped)})`,
    );
  }
  if (escaped === 'accepted' && (slashes === 'refused' || slashes === 'foreign')) {
    yield {
      id: 'slashes-merged',
      evidence: `a signed request with // in its path: ${describeOutcome(signed.slashes)}`,
      fix: 'Let the proxy leave the path alone.',
      lines: UNTOUCHED_PATHS,
    };
  }
}

function* judgeRefusedSignature(about: AddressFacts, signed: SignedAnswers, itself: boolean): Generator<Remark> {
  if (isDenial(about, signed)) {
    yield {
      id: 'federation-denied',
      evidence: `a signed request: ${describeOutcome(signed.plain)}`,
      fix: 'If other servers shall be able to talk to this one, add them to federation_domain_whitelist, or remove that setting.',
      lines: ['homeserver.yaml: federation_domain_whitelist'],
    };
  } else if (isStripped(about, signed)) {
    yield {
      id: 'authorization-stripped',
      evidence: `signed or not, the answer is the same: ${describeOutcome(signed.plain)}`,
      fix: 'Let the proxy pass on the Authorization header, and use no authentication of its own on /_matrix.',
      lines: [
        'nginx: no auth_basic and no proxy_set_header Authorization for /_matrix',
        'Apache: no AuthType and no RequestHeader unset Authorization for /_matrix',
      ],
    };
  } else if (itself && (signed.keyFetches ?? 0) > 0 && !isAboutFetching(signed.plain)) {
    yield {
      id: 'signature-rejected',
      evidence: `a signed request to a plain path: ${describeOutcome(signed.plain)}, although our keys were fetched`,
      fix: 'Let the proxy leave the path and the body alone (no prefix added or taken away), and check the server_name of the homeserver behind it.',
      lines: UNTOUCHED_PATHS,
    };
  }
}

// Synapse says 403 M_FORBIDDEN to servers off its list before it looks at their signature, and 401 without one.
function isDenial({ unsigned }: AddressFacts, { plain }: SignedAnswers): boolean {
  return statusOf(plain) === 403 && statusOf(unsigned.plain) === 401;
}

/**
 * Whether the words of a refusal say that our keys could not be had (Synapse: "Failed to find any key to satisfy",
 * Conduit: "Failed to fetch signing keys"). Somebody else may have been the one who fetched them, and words may only
 * spare a server a finding.
 */
function isAboutFetching(outcome: HttpsOutcome | undefined): boolean {
  const json = outcome?.ok === true ? readJsonBody(outcome.body) : undefined;
  const words = isJsonObject(json) ? ownMember(json, 'error') : undefined;
  return typeof words === 'string' && /\b(find|fetch|retriev|obtain|get)\w*\b.{0,40}\bkeys?\b/i.test(words);
}

/** Word for word what is said to a request without a signature, and to one whose signature nobody could read. */
function isStripped({ unsigned }: AddressFacts, { plain, malformed, keyFetches = 0 }: SignedAnswers): boolean {
  // Who fetched our keys has seen our name, which stands in that header only.
  return keyFetches === 0 && isSameAnswer(plain, unsigned.plain) && isSameAnswer(malformed, unsigned.plain);
}

function isSameAnswer(one: HttpsOutcome | undefined, other: HttpsOutcome | undefined): boolean {
  return one?.ok === true && other?.ok === true && one.status === other.status && one.body.equals(other.body);
}

function statusOf(outcome: AddressFacts['keys']): number | undefined {
  return outcome?.ok === true ? outcome.status : undefined;
}

function refusedPath(evidence: string): Remark {
  return {
    id: 'path-refused',
    evidence,
    fix: 'Let what stands before the homeserver (proxy, CDN, firewall) pass on escaped characters: room ids, events and aliases have them.',
    lines: UNTOUCHED_PATHS,
  };
}

function mangledPath(evidence: string): Remark {
  return {
    id: 'path-mangled',
    evidence,
    fix: 'Let the proxy pass on the path byte for byte: it is signed, and decoded or re-encoded it is another one.',
    lines: UNTOUCHED_PATHS,
  };
}

function* judgeBody({ body, unsigned, signed }: AddressFacts): Generator<Remark> {
  if (body === undefined) return;
  const answer = readAnswer(body);
  const broken = !body.ok && body.failure === 'reset' && readAnswer(unsigned.plain) !== 'none';
  if (answer !== 'too-large' && !broken) return;
  const byMatrix = readErrcode(body) !== undefined;
  const so = 'transactions have up to 13 MB, and one that does not get through holds up all after it.';
  yield {
    id: 'body-limit',
    // Without a signature, a server may hang up for want of one.
    ...(broken && readAnswer(signed?.plain) !== 'accepted' ? { severity: 'warning' as const } : {}),
    evidence: `a transaction of 12 MB: ${describeOutcome(body)}${byMatrix ? ', by a Matrix server' : ''}`,
    ...(byMatrix
      ? {
          fix: `Raise the limit of the homeserver: ${so}`,
          lines: ['Conduit and its kin: max_request_size = 20_000_000'],
        }
      : {
          fix: `Raise the limit of the proxy: ${so}`,
          lines: ['nginx: client_max_body_size 50M;', 'Apache: LimitRequestBody 0'],
        }),
  };
}

function* judgeHold({ hold }: AddressFacts): Generator<Remark> {
  if (hold === undefined || readAnswer(hold.outcome) === 'accepted') return;
  yield {
    id: 'hold-cut',
    evidence: `a request whose answer takes ${hold.asked / 1000} s: ${describeOutcome(hold.outcome)} after ${Math.round(hold.outcome.took / 1000)} s`,
    fix: 'Raise the time that the proxy waits for an answer: joining a large room takes minutes.',
    lines: ['nginx: proxy_read_timeout 600s;', 'Apache: ProxyTimeout 600', 'HAProxy: timeout server 600s'],
  };
}

/** What is not tested where no large transaction was sent. */
export const LARGE_REQUEST = 'a large request';

/** Why signed requests, a large body or a long wait say nothing about this server. */
export function* listUntested(about: AddressFacts, identity: string | undefined): Generator<NotTested> {
  if (about.keys?.ok !== true) return;
  if (about.signed === undefined) {
    yield {
      what: 'signed requests',
      why:
        identity === undefined
          ? 'they need a server name of our own, whose keys the other server can fetch (--sign, or --identity and --key)'
          : 'there was no time left',
    };
  } else if (
    readAnswer(about.signed.plain) === 'refused' &&
    [...judgeRefusedSignature(about, about.signed, true)].length === 0
  ) {
    yield { what: 'signed requests', why: `the other server could not fetch the keys of ${identity}` };
  } else if (!['accepted', 'refused'].includes(readAnswer(about.signed.plain))) {
    yield { what: 'signed requests', why: `the answer says nothing: ${describeOutcome(about.signed.plain)}` };
  }
  const large = readAnswer(about.body);
  if (
    !['accepted', 'refused', 'too-large'].includes(large) &&
    !(about.body?.ok === false && about.body.failure === 'reset')
  ) {
    yield { what: LARGE_REQUEST, why: describeOutcome(about.body) };
  }
  if (about.hold === undefined) {
    yield { what: 'a request that takes long', why: 'no endpoint of that server is known to take its time' };
  }
}
