import { isIPv6 } from 'node:net';
import type { HttpsOutcome } from '../base/https-exchange.ts';
import { isJsonObject, ownMember } from '../matrix/json.ts';
import type { Facts, WellKnownAt } from './facts.ts';
import { quote } from './quote.ts';
import { describeOutcome, readHeader } from './read-answer.ts';
import { readJsonBody } from './read-json-body.ts';
import type { Remark } from './verdict.ts';

/** Whether every address of the web server gives the same well-known document; each other server asks one of them. */
export function* judgeWellKnownAddresses({ wellKnownAt }: Facts): Generator<Remark> {
  const asked = wellKnownAt.filter(isAsked);
  const alive = asked.filter(({ outcome }) => outcome.ok || outcome.failure === 'untrusted');
  // An IPv6 address that cannot be reached from here says more about here.
  const dead = asked.filter(
    ({ address, outcome }) =>
      !outcome.ok && outcome.failure !== 'untrusted' && !(outcome.failure === 'unreachable' && isIPv6(address)),
  );
  const says = new Set(
    alive.filter(({ outcome }) => !isLimited(outcome)).map(({ outcome }) => describeDocument(outcome)),
  );
  if (!alive.some(({ outcome }) => isDelegation(outcome))) return;
  if (says.size > 1) {
    yield {
      id: 'well-known-differs',
      evidence: alive.map(({ address, outcome }) => `${address}: ${describeDocument(outcome)}`).join('; '),
      fix: 'Serve the same well-known document from every address of the web server (A and AAAA), or remove the addresses that lead elsewhere.',
    };
  }
  if (dead.length > 0) {
    yield {
      id: 'well-known-address-dead',
      evidence: dead.map(({ address, outcome }) => `${address}: ${describeOutcome(outcome)}`).join('; '),
      fix: 'Make every address of the web server answer on port 443, or remove the dead ones from the DNS: a server that tries one of them first does not find yours.',
    };
  }
}

function isAsked(at: WellKnownAt): at is WellKnownAt & { readonly outcome: HttpsOutcome } {
  return at.outcome !== undefined;
}

function isDelegation(outcome: HttpsOutcome): boolean {
  if (!outcome.ok) return false;
  return readMServer(outcome) !== undefined || (outcome.status >= 300 && outcome.status < 400);
}

/** Somebody who was asked too often has another answer at another time. */
function isLimited(outcome: HttpsOutcome): boolean {
  return outcome.ok && outcome.status === 429;
}

/** What an answer comes to, so that two can be compared. */
function describeDocument(outcome: HttpsOutcome): string {
  if (!outcome.ok) return describeOutcome(outcome);
  if (outcome.status >= 300 && outcome.status < 400) {
    return `a redirect to ${quote(readHeader(outcome, 'location') ?? 'nowhere', 120)}`;
  }
  const server = readMServer(outcome);
  return server === undefined ? describeOutcome(outcome) : `m.server is ${quote(server, 120)}`;
}

function readMServer(outcome: HttpsOutcome): string | undefined {
  if (!outcome.ok || outcome.status !== 200) return undefined;
  const document = readJsonBody(outcome.body);
  const server = isJsonObject(document) ? ownMember(document, 'm.server') : undefined;
  return typeof server === 'string' ? server : undefined;
}
