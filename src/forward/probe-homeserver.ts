import { describeError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import { askWhole } from './ask-whole.ts';
import { AWAY_STATUSES, explainFailure, troubleOf } from './failure.ts';
import type { Trouble } from './instance-health.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

export interface ProbeResult {
  readonly ok: boolean;
  /** One sentence: what answered, or why nothing did. */
  readonly what: string;
  /** Undefined when it answered well. */
  readonly trouble: Trouble | undefined;
}

/** Milliseconds. */
const PROBE_DEADLINE = 5_000;
/** One of several that says nothing about its health for this long may be hung. */
const ASK_DEADLINE = 3_000;
/** Bytes of an answer, of which only the status counts. */
const MOST = 256 * 1024;

/** Asks a homeserver for its client versions, as any client would. Never rejects. */
export function probeHomeserver(connection: UpstreamConnection, system: System): Promise<ProbeResult> {
  return probe(connection, '/_matrix/client/versions', (status) => status === 200, system);
}

/**
 * Does it take requests again? Asked at Synapse's `/health` (synapse/rest/health.py); a homeserver that does not know
 * the path is there as well.
 */
export function probeHealth(connection: UpstreamConnection, system: System): Promise<ProbeResult> {
  return probe(connection, '/health', (status) => !AWAY_STATUSES.has(status), system);
}

/** Asks one of several instances how it is; undefined when it is well. Never rejects. */
export function askHealth(connection: UpstreamConnection, system: System): Promise<Trouble | undefined> {
  return new Promise((resolve) => {
    const limit = system.setTimer(ASK_DEADLINE, () => {
      const why = `${connection.instance.text} does not answer to /health within ${ASK_DEADLINE / 1000} s.`;
      connection.discard();
      resolve({ kind: 'silent', why });
    });
    void probeHealth(connection, system).then(({ trouble }) => {
      limit.cancel();
      resolve(trouble);
    });
  });
}

async function probe(
  connection: UpstreamConnection,
  path: string,
  isGood: (status: number) => boolean,
  system: System,
): Promise<ProbeResult> {
  const { text } = connection.instance;
  const question = { path, headers: [], within: PROBE_DEADLINE, most: MOST };
  const answered = await askWhole(connection, question, system);
  if (!answered.ok) {
    const what = `${text} did not answer: ${describeError(answered.error)}`;
    return { ok: false, what, trouble: judge(answered.error, text) };
  }
  const what = `${text} answered ${answered.status} to ${path}`;
  const ok = isGood(answered.status);
  return { ok, what, trouble: ok ? undefined : { kind: 'unwell', why: `${what}.` } };
}

/** What an error says of who was asked. */
function judge(error: unknown, text: string): Trouble {
  const explained = explainFailure(error, text, 0);
  const trouble = troubleOf(error, explained, false) ?? { kind: 'other', why: explained.message };
  if (explained.code === 'upstream-deadline') return { ...trouble, kind: 'silent' };
  return explained.code === 'upstream-invalid-answer' ? { ...trouble, kind: 'unwell' } : trouble;
}
