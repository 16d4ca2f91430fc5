import { request as httpRequest } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** An object is sent as JSON. */
  readonly body?: string | Buffer | object;
}

/** Of a problem document; `type` without the ACME prefix. */
export interface ScriptedProblem {
  readonly type: string;
  readonly detail: string;
  readonly subproblems?: readonly object[];
}

export interface ValidationFacts {
  readonly name: string;
  readonly type: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

/** How the CA behaves in the long run. */
export interface Rules {
  /** The CA is gone: every connection is closed without an answer. */
  down: boolean;
  challenges: readonly string[];
  /** Undefined is convinced. By default http-01 is fetched from `httpPort` where that is set, and all else believed. */
  validate: (facts: ValidationFacts) => Promise<ScriptedProblem | undefined>;
  /** Port on 127.0.0.1 that http-01 is fetched from, with the name as Host. */
  httpPort: number | undefined;
  /** So many reads show an authorization as pending after its challenge began. */
  pendingReads: number;
  /** So many reads show an order as pending although all of it is proved. */
  unreadyReads: number;
  /** So many reads show an order as processing. */
  processingReads: number;
  /** Retry-After on orders and authorizations that are not settled. */
  retryAfter: string | undefined;
  /** What an order ends with instead of a certificate. */
  orderError: ScriptedProblem | undefined;
  /** Of certificates, milliseconds. */
  lifetime: number;
  /** The same for the profiles that have a lifetime of their own, from the instant of signing on. */
  lifetimes: Readonly<Record<string, number>>;
  /** Clock of the certificates. */
  now: () => number;
  profiles: Readonly<Record<string, string>>;
  termsOfService: string | undefined;
  /** The names by which CAA records know the CA. */
  caaIdentities: readonly string[];
  binding: { readonly kid: string; readonly hmacKey: string } | undefined;
  /** Answer to a question about renewal; undefined: the CA has no such thing. */
  renewalInfo: ((certificateId: string) => Answer) | undefined;
  /** Valid authorizations are used again. */
  remembers: boolean;
  /** The names that certificates get, from those of the request. */
  namesIssued: (names: readonly string[]) => readonly string[];
}

/** The refusal of a CA. */
export function problem(status: number, type: string, detail: string, more: object = {}, headers = {}): Answer {
  const body = { type: `urn:ietf:params:acme:error:${type}`, detail, status, ...more };
  return { status, headers: { 'content-type': 'application/problem+json', ...headers }, body };
}

/** Fills up what a test does not care about. */
export function completeRules(wanted: Partial<Rules>): Rules {
  const rules: Rules = {
    down: false,
    challenges: ['http-01', 'tls-alpn-01', 'dns-01'],
    validate: (facts) => fetchHttpChallenge(facts, rules.httpPort),
    httpPort: undefined,
    pendingReads: 0,
    unreadyReads: 0,
    processingReads: 0,
    retryAfter: undefined,
    orderError: undefined,
    lifetime: 90 * 86_400_000,
    lifetimes: {},
    now: () => Date.now(),
    profiles: {},
    termsOfService: undefined,
    caaIdentities: [],
    binding: undefined,
    renewalInfo: undefined,
    remembers: false,
    namesIssued: (names) => names,
    ...wanted,
  };
  return rules;
}

/** RFC 8555 section 8.3, as far as it can be done on one machine. */
export function fetchHttpChallenge(
  facts: ValidationFacts,
  port: number | undefined,
): Promise<ScriptedProblem | undefined> {
  if (facts.type !== 'http-01' || port === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const failed = (type: string, detail: string): void => resolve({ type, detail: `${facts.name}: ${detail}` });
    const path = `/.well-known/acme-challenge/${facts.token}`;
    const asked = httpRequest(
      { host: '127.0.0.1', port, path, headers: { host: facts.name }, agent: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => {
          if (answer.statusCode === 200 && text.trim() === facts.keyAuthorization) resolve(undefined);
          else failed('unauthorized', `invalid response ${answer.statusCode}: ${text.slice(0, 100)}`);
        });
      },
    );
    asked.on('error', (error) => failed('connection', error.message));
    asked.end();
  });
}
