import { SidecarError } from '../../base/errors.ts';
import type { ChallengeTask } from '../solver.ts';

/** One TXT record that answers a dns-01 challenge. */
export interface ChallengeRecord {
  /** Where it goes: `_acme-challenge.example.com`, or where an alias there leads. Lower case, no dot at the end. */
  readonly name: string;
  /** base64url of the key authorization's SHA-256. */
  readonly value: string;
  /** For providers that do not speak of records. */
  readonly task: ChallengeTask;
}

/**
 * Somebody who can write TXT records. A name can have several values at once (for `example.com` and `*.example.com`):
 * `set` adds one and `unset` removes one, and each leaves the others alone. Both may be repeated. They bound their own
 * time, and reject with a SidecarError, code `dns-provider`.
 */
export interface DnsProvider {
  /** For messages: `Cloudflare`. */
  readonly title: string;
  set(record: ChallengeRecord, signal: AbortSignal): Promise<void>;
  unset(record: ChallengeRecord): Promise<void>;
}

export interface ProviderFailure {
  readonly hint: string;
  /** `operator` where only a change of configuration helps. */
  readonly blame?: 'operator' | 'remote';
  /** Seconds. */
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/** The error of a provider that did not do what it was asked. `why` has no secrets in it, and ends without a dot. */
export function providerFailed(title: string, why: string, failure: ProviderFailure): SidecarError {
  return new SidecarError(`${title}: ${why}.`, {
    code: 'dns-provider',
    blame: failure.blame ?? 'remote',
    hint: failure.hint,
    cause: failure.cause,
    ...(failure.retryAfter === undefined ? {} : { retryAfter: failure.retryAfter }),
  });
}

/** The beginning of what somebody else said, on one line, for a message. */
export function excerpt(text: string, most = 300): string {
  const line = text
    .slice(0, most * 4)
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}
