import { describeError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
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

/** Asks a homeserver for its client versions, as any client would. Never rejects. */
export function probeHomeserver(connection: UpstreamConnection): Promise<ProbeResult> {
  return probe(connection, '/_matrix/client/versions', (status) => status === 200);
}

/**
 * Does it take requests again? Asked at Synapse's `/health` (synapse/rest/health.py); a homeserver that does not know
 * the path is there as well.
 */
export function probeHealth(connection: UpstreamConnection): Promise<ProbeResult> {
  return probe(connection, '/health', (status) => !AWAY_STATUSES.has(status));
}

/** Asks one of several instances how it is; undefined when it is well. Never rejects. */
export function askHealth(connection: UpstreamConnection, system: System): Promise<Trouble | undefined> {
  return new Promise((resolve) => {
    const limit = system.setTimer(ASK_DEADLINE, () => {
      const why = `${connection.instance.text} does not answer to /health within ${ASK_DEADLINE / 1000} s.`;
      connection.discard();
      resolve({ kind: 'silent', why });
    });
    void probeHealth(connection).then(({ trouble }) => {
      limit.cancel();
      resolve(trouble);
    });
  });
}

function probe(
  connection: UpstreamConnection,
  path: string,
  isGood: (status: number) => boolean,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    let answer = 0;
    const request = { target: path, method: 'GET', headers: [], body: null };
    connection.dispatch(
      { ...request, answerWithin: PROBE_DEADLINE, moveWithin: PROBE_DEADLINE },
      {
        begun() {},
        interim() {},
        head(head) {
          answer = head.status;
        },
        data() {},
        end() {
          connection.release();
          const what = `${connection.instance.text} answered ${answer} to ${path}`;
          const ok = isGood(answer);
          resolve({ ok, what, trouble: ok ? undefined : { kind: 'unwell', why: `${what}.` } });
        },
        failed(error) {
          connection.discard();
          const { text } = connection.instance;
          const what = `${text} did not answer: ${describeError(error)}`;
          resolve({ ok: false, what, trouble: judge(error, text) });
        },
      },
    );
  });
}

/** What an error says of who was asked. */
function judge(error: unknown, text: string): Trouble {
  const explained = explainFailure(error, text, 0);
  const trouble = troubleOf(error, explained, false) ?? { kind: 'other', why: explained.message };
  if (explained.code === 'upstream-deadline') return { ...trouble, kind: 'silent' };
  return explained.code === 'upstream-invalid-answer' ? { ...trouble, kind: 'unwell' } : trouble;
}
