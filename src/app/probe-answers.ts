import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { isProbeToken, PROBE_KEY_LENGTH, type ProbeAnswer, proveProbe, verifyProbeToken } from '../base/self-probe.ts';
import type { System } from '../base/system.ts';
import type { Exchange } from '../forward/exchange.ts';

/** Milliseconds between two looks into the store, whatever strangers ask. */
export const LOOK_EVERY = 500;

/** Headers by which proxies can be told; of no other is anything said. */
const PROXY_HEADERS: ReadonlySet<string> = new Set([
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-server',
  'x-real-ip',
  'x-request-id',
  'cdn-loop',
  'cf-ray',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-amz-cf-id',
  'x-amzn-trace-id',
  'x-azure-ref',
  'true-client-ip',
]);

export interface ProbeAnswers {
  /** The proof that belongs to a token, or undefined for tokens that are not of our making. Never rejects. */
  prove(token: string): Promise<string | undefined>;
}

/**
 * Answers to `doctor`, which asks whether it is this sidecar that answers at a name. The key is read when the first
 * token comes, and again when a token does not fit it, since `doctor` makes the key when there is none.
 */
export function createProbeAnswers(deps: {
  readonly system: System;
  readonly log: Log;
  readKey(): Promise<Buffer | undefined>;
}): ProbeAnswers {
  const { system, log } = deps;
  let key: Buffer | undefined;
  let looked: { readonly at: number; readonly done: Promise<void> } | undefined;

  async function look(): Promise<void> {
    try {
      const read = await deps.readKey();
      key = read?.length === PROBE_KEY_LENGTH ? read : undefined;
    } catch (error) {
      log.warn({}, `The key of doctor's probes cannot be read from the store: ${describeError(error)}`);
    }
  }

  /** Shared by those who ask at the same time, and not done again so soon. */
  function lookAgain(): Promise<void> {
    if (looked === undefined || system.monotonic() - looked.at >= LOOK_EVERY)
      looked = { at: system.monotonic(), done: look() };
    return looked.done;
  }

  return {
    async prove(token) {
      if (!isProbeToken(token)) return undefined;
      if (key === undefined || !verifyProbeToken(key, token, system.now())) await lookAgain();
      if (key === undefined || !verifyProbeToken(key, token, system.now())) return undefined;
      return proveProbe(key, token);
    },
  };
}

/** What arrived of a probe. Pure. */
export function describeProbe(
  exchange: Pick<Exchange, 'facts' | 'headers' | 'target' | 'authority'>,
  proof: string,
): ProbeAnswer {
  const names = exchange.headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  return {
    proof,
    target: exchange.target,
    listener: exchange.facts.listener,
    peer: exchange.facts.peerAddress,
    host: exchange.authority ?? null,
    proxies: [...new Set(names.filter((name) => PROXY_HEADERS.has(name)))],
  };
}
