/** The ways to prove control of a name (RFC 8555 section 8, RFC 8737, draft-ietf-acme-dns-persist). */
export type ChallengeType = 'tls-alpn-01' | 'http-01' | 'dns-01' | 'dns-persist-01';

/** What an order is for (RFC 8555 section 7.1.3, RFC 8738). */
export interface Identifier {
  readonly type: 'dns' | 'ip';
  /** A DNS name without wildcard label, or an address without brackets. */
  readonly value: string;
}

/** One challenge that is to be met. */
export interface ChallengeTask {
  readonly type: ChallengeType;
  readonly identifier: Identifier;
  /** The authorization is for `*.` of the identifier. */
  readonly wildcard: boolean;
  readonly token: string;
  /** Token, dot, thumbprint of the account key (RFC 8555 section 8.1). */
  readonly keyAuthorization: string;
  /** The account's URL at the CA. */
  readonly accountUrl: string;
  /** For dns-persist-01: by which names the CA calls itself in the record; any will do, the first is to be published. */
  readonly issuerDomainNames?: readonly string[];
}

/**
 * Meets challenges of one type.
 *
 * - `present` makes the answer available and resolves when it is, as far as we can make it so. It may be called for several
 *   tasks at once. It rejects with a SidecarError that says what to do.
 * - `wait`, where there is one, resolves when the answer can be seen from outside (DNS needs it), or rejects on abort.
 * - `cleanUp` takes the answer away again; it is called after every `present`, failed or not, and may be called twice.
 */
export interface Solver {
  readonly type: ChallengeType;
  present(task: ChallengeTask, signal: AbortSignal): Promise<void>;
  wait?(task: ChallengeTask, signal: AbortSignal): Promise<void>;
  cleanUp(task: ChallengeTask): Promise<void>;
}
