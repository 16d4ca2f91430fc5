import { readAnswerFields } from './answer-fields.ts';
import type { CaAnswer } from './ca-answer.ts';
import { AcmeProblem } from './problem.ts';
import { judgeProblem, NO_DIRECTORY } from './problem-kind.ts';
import { caHost, parseJson, readProblem } from './read-problem.ts';

const MAX_PROFILES = 50;
const MAX_CAA_IDENTITIES = 20;

/** What a CA offers (RFC 8555 section 7.1.1). */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** Undefined where the CA does not revoke by request. */
  readonly revokeCert: string | undefined;
  /** Where to ask when to renew (RFC 9773), without a slash at its end. Undefined where the CA has no advice. */
  readonly renewalInfo: string | undefined;
  /** Name and description (draft-aaron-acme-profiles); empty where the CA has none. */
  readonly profiles: Readonly<Record<string, string>>;
  readonly termsOfService: string | undefined;
  readonly externalAccountRequired: boolean;
  /** The domain names by which CAA records know the CA, lower case; empty where it names none. */
  readonly caaIdentities: readonly string[];
}

/** How servers say that there is nothing of the kind at a URL, whatever words they have for it. */
const NOT_THERE: readonly number[] = [404, 405, 410];

/**
 * Throws an AcmeProblem of type NO_DIRECTORY where the answer is nothing like a directory (not found, a web page, another
 * document): mostly the URL in the configuration is wrong then. `url` is that URL, before any redirects.
 */
export function requireDirectory(answer: CaAnswer, url: string): void {
  const why = whyNoDirectory(answer);
  if (why === undefined) return;
  const problem = { type: NO_DIRECTORY, detail: `${url} answers with ${why}`, status: answer.status, subproblems: [] };
  const what = `The CA at ${caHost(url)} has no ACME directory where the configuration has it`;
  throw new AcmeProblem(problem, what, undefined, undefined, judgeProblem(problem).advice);
}

function whyNoDirectory(answer: CaAnswer): string | undefined {
  const { status } = answer;
  if (NOT_THERE.includes(status)) return `the HTTP status ${status}`;
  // A refusal with words of its own says more, and a CA that is out of order comes back.
  const isSpeechless = readProblem(answer).type === 'about:blank';
  if (status >= 400 && status < 500 && status !== 429 && isSpeechless) {
    return `the HTTP status ${status}`;
  }
  if (status < 200 || status > 299) return undefined;
  const body = parseJson(answer.body);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return describeForm(answer);
  const isNear = ['newNonce', 'newAccount', 'newOrder'].some((key) => Object.hasOwn(body, key));
  return isNear ? undefined : 'another document, without newNonce, newAccount and newOrder';
}

function describeForm(answer: CaAnswer): string {
  const isPage =
    /^text\/html\b/i.test(answer.header('content-type') ?? '') || /^\s*<(!doctype|html)/i.test(answer.body);
  return isPage ? 'a web page' : 'what is no JSON object';
}

/** Throws an AcmeProblem of type `malformed-answer`, whatever the bytes. */
export function parseDirectory(answer: CaAnswer): Directory {
  const fields = readAnswerFields(answer);
  const meta = fields.has('meta') ? fields.object('meta') : undefined;
  const profiles = meta?.has('profiles') ? meta.object('profiles') : undefined;
  const names = profiles?.keys() ?? [];
  if (names.length > MAX_PROFILES) throw fields.wrong('meta.profiles', `has more than ${MAX_PROFILES} entries`);
  return Object.freeze({
    newNonce: fields.url('newNonce'),
    newAccount: fields.url('newAccount'),
    newOrder: fields.url('newOrder'),
    revokeCert: fields.optionalUrl('revokeCert'),
    // Pebble's ends with a slash, and RFC 9773 section 4.1 adds one.
    renewalInfo: fields.optionalUrl('renewalInfo')?.replace(/\/$/, ''),
    profiles: Object.freeze(
      Object.fromEntries(
        names
          .filter((name) => /^[\w.-]{1,64}$/.test(name) && name !== '__proto__')
          .map((name) => [name, profiles?.optionalText(name, 500) ?? '']),
      ),
    ),
    termsOfService: meta?.optionalText('termsOfService', 2_048),
    externalAccountRequired: meta?.flag('externalAccountRequired') ?? false,
    // What is no domain name is of no use to CAA records, and no reason to do without the CA.
    caaIdentities: Object.freeze(
      (meta?.has('caaIdentities') ? meta.list('caaIdentities', MAX_CAA_IDENTITIES) : [])
        .filter((one) => typeof one === 'string')
        .filter((one) => /^[A-Za-z0-9.-]{1,253}$/.test(one))
        .map((one) => one.toLowerCase()),
    ),
  });
}
