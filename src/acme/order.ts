import { isIP } from 'node:net';
import { type AnswerFields, readAnswerFields, readFields, whyNoUrl } from './answer-fields.ts';
import type { CaAnswer } from './ca-answer.ts';
import { normaliseName } from './names.ts';
import type { ProblemDocument } from './problem.ts';
import { readRetryAfter } from './read-problem.ts';
import type { Identifier } from './solver.ts';

const MAX_NAMES = 100;
const MAX_CHALLENGES = 20;

/** What an order names (RFC 8555 section 7.1.3): a DNS name, perhaps with `*.` before it, or an address. */
export interface OrderIdentifier {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

/** RFC 8555 section 7.1.3. Times in milliseconds since the epoch. */
export interface Order {
  readonly url: string;
  readonly status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly expires: number | undefined;
  readonly identifiers: readonly OrderIdentifier[];
  /** URLs. */
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate: string | undefined;
  readonly error: ProblemDocument | undefined;
  /** The profile that it is for, where the CA has profiles (draft-aaron-acme-profiles). */
  readonly profile: string | undefined;
  /** Seconds after which to read it again, from the answer that brought it. */
  readonly retryAfter: number | undefined;
}

/** RFC 8555 section 7.1.4. */
export interface Authorization {
  readonly url: string;
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired' | 'revoked';
  readonly expires: number | undefined;
  readonly identifier: Identifier;
  readonly wildcard: boolean;
  readonly challenges: readonly Challenge[];
  /** Seconds after which to read it again, from the answer that brought it. */
  readonly retryAfter: number | undefined;
}

/** RFC 8555 section 8. */
export interface Challenge {
  /** One of ours (`ChallengeType`) or another. */
  readonly type: string;
  readonly url: string;
  readonly status: 'pending' | 'processing' | 'valid' | 'invalid';
  /** base64url; undefined where the type has none. */
  readonly token: string | undefined;
  readonly error: ProblemDocument | undefined;
  /** The names that the record may give the CA, for dns-persist-01; else empty. */
  readonly issuerDomainNames: readonly string[];
}

/** A name of a certificate as an order spells it. */
export function identifierOf(name: string): OrderIdentifier {
  const value = normaliseName(name);
  return { type: isIP(value) === 0 ? 'dns' : 'ip', value };
}

/** The name that an authorization is for, wildcard label included. */
export function nameOf({ identifier, wildcard }: Pick<Authorization, 'identifier' | 'wildcard'>): string {
  return `${wildcard ? '*.' : ''}${identifier.value}`;
}

/** `url` is where the order lives. Throws an AcmeProblem of type `malformed-answer`, whatever the bytes. */
export function parseOrder(answer: CaAnswer, url: string, now: number): Order {
  const fields = readAnswerFields(answer);
  const identifiers = fields.list('identifiers', MAX_NAMES).map((one, index) => {
    const entry = readFields(one, answer, `identifiers[${index}].`);
    return { type: entry.oneOf('type', ['dns', 'ip']), value: readName(entry, 'value') };
  });
  return {
    url,
    status: fields.oneOf('status', ['pending', 'ready', 'processing', 'valid', 'invalid']),
    expires: fields.optionalTime('expires'),
    identifiers,
    authorizations: fields.list('authorizations', MAX_NAMES).map((one, index) => {
      const problem = typeof one === 'string' ? whyNoUrl(one) : 'is no text';
      if (problem !== undefined) throw fields.wrong(`authorizations[${index}]`, problem);
      return one as string;
    }),
    finalize: fields.url('finalize'),
    certificate: fields.optionalUrl('certificate'),
    error: fields.problem('error'),
    profile: fields.optionalText('profile', 64),
    retryAfter: readRetryAfter(answer, now),
  };
}

/** Throws an AcmeProblem of type `malformed-answer`, whatever the bytes. */
export function parseAuthorization(answer: CaAnswer, url: string, now: number): Authorization {
  const fields = readAnswerFields(answer);
  const identifier = fields.object('identifier');
  const challenges = fields.list('challenges', MAX_CHALLENGES);
  return {
    url,
    status: fields.oneOf('status', ['pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked']),
    expires: fields.optionalTime('expires'),
    identifier: { type: identifier.oneOf('type', ['dns', 'ip']), value: readName(identifier, 'value') },
    wildcard: fields.flag('wildcard'),
    challenges: challenges.map((one, index) => readChallenge(readFields(one, answer, `challenges[${index}].`))),
    retryAfter: readRetryAfter(answer, now),
  };
}

/** Throws an AcmeProblem of type `malformed-answer`, whatever the bytes. */
export function parseChallenge(answer: CaAnswer): Challenge {
  return readChallenge(readAnswerFields(answer));
}

function readChallenge(fields: AnswerFields): Challenge {
  const token = fields.optionalText('token', 512);
  // It becomes part of a path and of a file's name: RFC 8555 section 8.3 allows these characters and no others.
  if (token !== undefined && !/^[A-Za-z0-9_-]+$/.test(token)) throw fields.wrong('token', 'is not base64url');
  const issuers = fields.has('issuer-domain-names') ? fields.list('issuer-domain-names', 10) : [];
  return {
    type: fields.text('type', 64),
    url: fields.url('url'),
    status: fields.oneOf('status', ['pending', 'processing', 'valid', 'invalid']),
    token,
    error: fields.problem('error'),
    issuerDomainNames: issuers.map((one, index) => {
      // It becomes part of a TXT record.
      if (typeof one === 'string' && /^[A-Za-z0-9.-]{1,253}$/.test(one)) return one.toLowerCase();
      throw fields.wrong(`issuer-domain-names[${index}]`, 'is no host name');
    }),
  };
}

function readName(fields: AnswerFields, key: string): string {
  const name = normaliseName(fields.text(key, 253));
  if (!/^(\*\.)?[a-z0-9._:-]+$/.test(name)) throw fields.wrong(key, 'is no name');
  return name;
}
