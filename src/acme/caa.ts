import type { ChallengeType } from './solver.ts';

/** One CAA record (RFC 8659, 4.1). */
export interface CaaRecord {
  /** Bit 0 of the flags (128): whoever does not know the tag must not sign. */
  readonly critical: boolean;
  /** Case does not matter. */
  readonly tag: string;
  readonly value: string;
}

/** Who wants to sign, and how. */
export interface CaaRequest {
  /** The names by which CAA records know the CA (`caaIdentities` of its directory); one at least. */
  readonly issuers: readonly string[];
  readonly wildcard: boolean;
  /** The account's URL; undefined where there is no account yet. */
  readonly accountUrl: string | undefined;
  /** The challenges that could be met. */
  readonly methods: readonly ChallengeType[];
}

export interface CaaDecision {
  readonly permitted: boolean;
  readonly why: string;
  /** Those of the request's methods that the records leave; none where it is not permitted. */
  readonly methods: readonly ChallengeType[];
}

interface IssueValue {
  /** Lower case; empty where nobody is named. */
  readonly issuer: string;
  readonly parameters: readonly { readonly tag: string; readonly value: string }[];
}

const LABEL = '[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*';
const ISSUER = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const PARAMETER = new RegExp(`^(${LABEL})[ \\t]*=[ \\t]*([\\x21-\\x3a\\x3c-\\x7e]*)$`);
const KNOWN_TAGS = new Set(['issue', 'issuewild', 'iodef', 'issuemail', 'issuevmc', 'contactemail', 'contactphone']);

/**
 * Whether CAA records let a CA sign (RFC 8659, 4; parameters of RFC 8657, 3 and 4). `records` is the relevant set: that
 * of the name itself or of the nearest parent that has any, with wildcard labels left out; empty where none has.
 */
export function decideCaa(records: readonly CaaRecord[], request: CaaRequest): CaaDecision {
  const yes = (why: string, methods = request.methods): CaaDecision => ({ permitted: true, why, methods });
  const no = (why: string): CaaDecision => ({ permitted: false, why, methods: [] });
  if (records.length === 0) return yes('There are no CAA records, so any CA may sign.');
  const tagOf = (record: CaaRecord) => record.tag.toLowerCase();
  const unknown = records.find((record) => record.critical && !KNOWN_TAGS.has(tagOf(record)));
  if (unknown !== undefined)
    return no(`A CAA record of the unknown kind ${JSON.stringify(unknown.tag)} is marked critical.`);
  const wild = records.filter((record) => tagOf(record) === 'issuewild');
  const tag = request.wildcard && wild.length > 0 ? 'issuewild' : 'issue';
  const relevant = records.filter((record) => tagOf(record) === tag);
  if (relevant.length === 0)
    return yes(`The CAA records do not limit who may sign for ${request.wildcard ? 'wildcards' : 'names'}.`);

  const issuers = request.issuers.map((issuer) => issuer.toLowerCase());
  const values = relevant.map((record) => readIssueValue(record.value));
  const ours = values.filter((value) => value !== undefined && issuers.includes(value.issuer)) as IssueValue[];
  if (ours.length === 0) {
    const others = [...new Set(values.map((value) => value?.issuer ?? '').filter((issuer) => issuer !== ''))];
    const who = others.length === 0 ? 'nobody' : others.join(' and ');
    return no(`The CAA records (${tag}) let ${who} sign, and not ${request.issuers[0] ?? 'this CA'}.`);
  }
  const judged = ours.map((value) => judgeParameters(value, request));
  const methods = request.methods.filter((method) => judged.some((one) => one.methods.includes(method)));
  if (methods.length > 0) return yes(`A CAA record (${tag}) lets ${ours[0]!.issuer} sign.`, methods);
  return no(judged[0]!.why);
}

/** What one record for our CA leaves: every parameter has to hold. Parameters of other kinds are the CA's own affair. */
function judgeParameters({ issuer, parameters }: IssueValue, { accountUrl, methods }: CaaRequest) {
  const accounts = parameters.filter(({ tag }) => tag === 'accounturi');
  // Several in one record cannot be met (RFC 8657, 3).
  if (accounts.length > 1) return { methods: [], why: `The CAA record for ${issuer} names more than one account.` };
  const [account] = accounts;
  if (account !== undefined && account.value !== accountUrl) {
    const ours = accountUrl === undefined ? 'there is none of ours yet' : `ours is ${accountUrl}`;
    return { methods: [], why: `The CAA record for ${issuer} asks for the account ${account.value}; ${ours}.` };
  }
  const limits = parameters.filter(({ tag }) => tag === 'validationmethods');
  // Once at most (RFC 8657, 4); where it stands twice, only what both allow is certain.
  const left = methods.filter((method) => limits.every(({ value }) => value.split(',').includes(method)));
  const allowed = limits.map(({ value }) => value).join(' and ');
  return {
    methods: left,
    why: `The CAA record for ${issuer} allows ${allowed || 'no challenge'} only, which cannot be met here.`,
  };
}

/** The value of `issue` and `issuewild` (RFC 8659, 4.2). Undefined where it does not follow the grammar: nobody is named. */
function readIssueValue(value: string): IssueValue | undefined {
  const [issuer = '', ...rest] = value.split(';').map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ''));
  if (issuer !== '' && !ISSUER.test(issuer)) return undefined;
  const parameters: { tag: string; value: string }[] = [];
  for (const [index, part] of rest.entries()) {
    const match = PARAMETER.exec(part);
    // Only after the last semicolon may nothing follow.
    if (match === null && !(part === '' && index === rest.length - 1)) return undefined;
    if (match !== null) parameters.push({ tag: match[1]!.toLowerCase(), value: match[2]! });
  }
  return { issuer: issuer.toLowerCase(), parameters };
}
