import type { HttpsOutcome } from '../base/https-exchange.ts';
import { isJsonObject, ownMember } from '../matrix/json.ts';
import type { AddressFacts } from './facts.ts';
import { describeDown } from './judge-keys.ts';
import { formatDuration } from './quote.ts';
import { describeOutcome, readAnswer, readErrcode } from './read-answer.ts';
import { readJsonBody } from './read-json-body.ts';
import type { Remark } from './verdict.ts';
import { FORWARD_EVERYTHING } from './write-lines.ts';

/** Below this, it may be the way of the answer, and harms nobody. Milliseconds. */
const SKEW = 30_000;

/** What one homeserver calls itself. */
export interface Version {
  readonly name: string | undefined;
  readonly version: string | undefined;
}

/** Reads the answer to GET /_matrix/federation/v1/version. Undefined when it is none. Never throws. */
export function readVersion(outcome: HttpsOutcome | undefined): Version | undefined {
  if (outcome?.ok !== true || outcome.status !== 200 || outcome.cut) return undefined;
  const document = readJsonBody(outcome.body);
  const server = isJsonObject(document) ? ownMember(document, 'server') : undefined;
  if (!isJsonObject(server)) return undefined;
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value.slice(0, 200) : undefined);
  return { name: text(ownMember(server, 'name')), version: text(ownMember(server, 'version')) };
}

/** Whether a homeserver's federation API was seen there, and not only its keys. */
export function isFederationThere(about: AddressFacts): boolean {
  if (readVersion(about.version) !== undefined) return true;
  return ['refused', 'accepted', 'unrecognized', 'limited'].includes(readAnswer(about.unsigned.plain));
}

/** The rest of the federation API of one address, asked without a signature; `about` has served its keys. */
export function* judgeAnswers(about: AddressFacts): Generator<Remark> {
  const { version, unknown, unsigned } = about;
  const event = unsigned.plain;
  // The keys are served: with workers, it is another process that is gone. (503 is also what nginx limits with.)
  if (event?.ok === true && readAnswer(event) === 'failing' && event.status !== 503) {
    const down = describeDown(`an event: ${describeOutcome(event)}`, event.status);
    const fix =
      'Start the worker of the homeserver that has /_matrix/federation, and check the address that the proxy has for it.';
    yield event.status < 520 ? { ...down, fix, lines: [] } : down;
  } else if (version !== undefined && event !== undefined && (!isFederationThere(about) || isForeignPage(event))) {
    yield {
      id: 'federation-not-forwarded',
      evidence: `GET /_matrix/federation/v1/version: ${describeOutcome(version)}; an event: ${describeOutcome(event)}`,
      fix: 'Forward everything below /_matrix to the homeserver, not only /_matrix/key and /_matrix/client.',
      lines: FORWARD_EVERYTHING,
    };
  } else {
    yield* judgeVersion(version);
    yield* judgeUnknown(unknown);
  }
  yield* judgeClock(about);
}

/** Every homeserver has that endpoint, and answers in JSON. */
function isForeignPage(event: HttpsOutcome): boolean {
  return event.ok && readAnswer(event) === 'foreign' && readJsonBody(event.body) === undefined;
}

function* judgeVersion(version: HttpsOutcome | undefined): Generator<Remark> {
  if (version === undefined || readVersion(version) !== undefined || readAnswer(version) === 'limited') return;
  yield {
    id: 'version-missing',
    evidence: `GET /_matrix/federation/v1/version: ${describeOutcome(version)}`,
    fix: 'Forward /_matrix/federation/v1/version to the homeserver: testers and room directories ask for it.',
    lines: FORWARD_EVERYTHING,
  };
}

function* judgeUnknown(unknown: HttpsOutcome | undefined): Generator<Remark> {
  const answer = readAnswer(unknown);
  if (unknown === undefined || ['none', 'limited', 'failing', 'unrecognized'].includes(answer)) return;
  // Any Matrix error shows that the homeserver was asked.
  if (readErrcode(unknown) !== undefined) return;
  yield {
    id: 'unknown-endpoint',
    evidence: `an endpoint that does not exist: ${describeOutcome(unknown)} instead of 404 M_UNRECOGNIZED`,
    fix: 'Forward everything below /_matrix, not a list of paths: endpoints are added with every version of Matrix.',
    lines: FORWARD_EVERYTHING,
  };
}

function* judgeClock({ keys, skew }: AddressFacts): Generator<Remark> {
  if (keys?.ok !== true || skew === undefined || Math.abs(skew) < SKEW + keys.took) return;
  yield {
    id: 'clock-skew',
    evidence: `its Date is ${formatDuration(skew)} ${skew > 0 ? 'ahead' : 'behind'}`,
    fix: 'Let the machine set its clock (`timedatectl set-ntp true`); if it is right, the clock of this one is wrong.',
  };
}
