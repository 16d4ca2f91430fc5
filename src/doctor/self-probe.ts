import type { HttpsExchange, HttpsOutcome, TlsFacts } from '../base/https-exchange.ts';
import { createProbeToken, PROBE_PREFIX, type ProbeAnswer, proveProbe } from '../base/self-probe.ts';
import type { System } from '../base/system.ts';
import { isJsonObject } from '../matrix/json.ts';
import { describeAnswer } from './describe-answer.ts';

/** What answered where a sidecar of ours should. */
export type ProbeOutcome =
  /** Proven. `sent` is the target as it was sent. */
  | { readonly kind: 'ours'; readonly sent: string; readonly answer: ProbeAnswer; readonly tls: TlsFacts }
  /** Something answered that does not know the key. `words`: "404 text/html from nginx". */
  | { readonly kind: 'foreign'; readonly words: string; readonly status: number; readonly tls: TlsFacts }
  /** A clause: what kept the answer from coming. */
  | { readonly kind: 'failed'; readonly words: string };

/** Where to ask, and under which name. */
export interface ProbePlace {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** For SNI and Host. */
  readonly host: string;
  /** For Host, where others connect to another port than `port`. */
  readonly publicPort?: number;
}

export interface SelfProbe {
  /** Asks over TLS whether a sidecar of ours answers; `rest` is added to the path. Rejects with the signal's reason. */
  ask(place: ProbePlace, rest: string, signal: AbortSignal): Promise<ProbeOutcome>;
  /** A fresh token, and the proof that belongs to it. */
  createToken(): { readonly token: string; readonly proof: string };
}

/** Milliseconds. A sidecar answers at once; what is waited for is the way there and back. */
const DEADLINE = { connect: 3_000, handshake: 3_000, total: 6_000 };
const MOST_ANSWER = 32 * 1024;

/** `key` is the one that the sidecar has in its store. */
export function createSelfProbe(
  key: Uint8Array,
  deps: { readonly system: System; readonly https: HttpsExchange },
): SelfProbe {
  const { system, https } = deps;
  const createToken = (): { token: string; proof: string } => {
    const token = createProbeToken(key, system.now(), system.randomBytes(10));
    return { token, proof: proveProbe(key, token) };
  };
  return {
    createToken,
    async ask({ address, port, host, publicPort = port }, rest, signal) {
      const { token, proof } = createToken();
      const target = `${PROBE_PREFIX}${token}${rest}`;
      const bracketed = host.includes(':') ? `[${host}]` : host;
      const request = {
        ...{ address, port, target, certificateName: host },
        host: publicPort === 443 ? bracketed : `${bracketed}:${publicPort}`,
        method: 'GET',
        maxBody: MOST_ANSWER,
        deadline: DEADLINE,
      };
      return readOutcome(await https.request(request, { verify: false, signal }), target, proof);
    },
  };
}

function readOutcome(outcome: HttpsOutcome, sent: string, proof: string): ProbeOutcome {
  if (!outcome.ok) return { kind: 'failed', words: outcome.words };
  const { tls, status } = outcome;
  const answer = readAnswer(outcome.body);
  if (answer?.proof === proof) return { kind: 'ours', sent, answer, tls };
  return { kind: 'foreign', words: describeAnswer(outcome), status, tls };
}

function readAnswer(body: Buffer): ProbeAnswer | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    const whole =
      isJsonObject(value) &&
      ['proof', 'target', 'listener', 'peer'].every((name) => typeof value[name] === 'string') &&
      Array.isArray(value['proxies']);
    return whole ? (value as unknown as ProbeAnswer) : undefined;
  } catch {
    return undefined;
  }
}
