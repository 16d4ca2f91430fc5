import { spawn } from 'node:child_process';
import { describeError } from '../../base/errors.ts';
import type { System } from '../../base/system.ts';
import { type ChallengeRecord, type DnsProvider, excerpt, providerFailed } from './dns-provider.ts';

export interface ExecSlice {
  /** The program's path, or its name on PATH. It is started as it is, without a shell. */
  readonly program: string;
  /** `raw` gives the program the challenge itself, `default` the record. */
  readonly mode: 'default' | 'raw';
  /** Milliseconds that it may take; 5 minutes if it is not given: scripts that wait for the DNS themselves exist. */
  readonly timeout?: number;
}

const TITLE = 'exec';
const TIMEOUT = 300_000;
/** Bytes of its output that are kept, the last ones: scripts say at the end what went wrong. */
const KEPT_OUTPUT = 4_096;
/** Milliseconds that its output is waited for once it has failed. */
const LAST_OUTPUT = 500;

/**
 * A program of the operator's own that writes records, called as lego's provider `exec` calls it:
 * `PROGRAM present|cleanup FQDN VALUE`, or with mode raw `PROGRAM present|cleanup -- DOMAIN TOKEN KEY_AUTHORIZATION`.
 * One call at a time, because such programs edit zone files.
 */
export function createExecProvider(slice: ExecSlice, deps: { readonly system: System }): DnsProvider {
  let last: Promise<unknown> = Promise.resolve();

  function run(action: 'present' | 'cleanup', record: ChallengeRecord, signal?: AbortSignal): Promise<void> {
    const { task, name, value } = record;
    const parameters =
      slice.mode === 'raw'
        ? [action, '--', task.identifier.value, task.token, task.keyAuthorization]
        : [action, `${name}.`, value];
    const call = last.then(() => {
      signal?.throwIfAborted();
      return runProgram(slice, parameters, deps.system, signal);
    });
    last = call.catch(() => undefined);
    return call;
  }

  return {
    title: TITLE,
    set: (record, signal) => run('present', record, signal),
    unset: (record) => run('cleanup', record),
  };
}

function runProgram(
  { program, timeout = TIMEOUT }: ExecSlice,
  parameters: readonly string[],
  system: System,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // A process group of its own: what the program started ends with it.
    const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'], shell: false, detached: true });
    let output: Buffer = Buffer.alloc(0);
    const keep = (chunk: Buffer): void => {
      output = Buffer.concat([output, chunk]).subarray(-KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const finish = (settle: () => void): void => {
      timer.cancel();
      signal?.removeEventListener('abort', stop);
      child.stdout.destroy();
      child.stderr.destroy();
      settle();
    };
    const fail = (why: string, hint: string, cause?: unknown): void => {
      const said = excerpt(output.toString('utf8').slice(-600), 600);
      const error = providerFailed(TITLE, `${program} ${parameters[0]} ${why}${said === '' ? '' : `: ${said}`}`, {
        hint,
        blame: 'operator',
        retryAfter: 60,
        cause,
      });
      finish(() => reject(error));
    };
    const kill = (): void => {
      // Once it has ended its number may be another's.
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    };
    const stop = (): void => {
      kill();
      finish(() => reject(signal!.reason as Error));
    };
    let timer = system.setTimer(timeout, () => {
      kill();
      fail(
        `took longer than ${timeout / 1000} s`,
        'Run it by hand with the same parameters and see what it waits for.',
      );
    });
    signal?.addEventListener('abort', stop, { once: true });
    child.once('error', (error) =>
      fail(`could not be started (${describeError(error)})`, 'Check that it exists and may be executed.', error),
    );
    // Not 'close': something that it left running in the background may hold its output open.
    child.once('exit', (code, killedBy) => {
      if (code === 0) return finish(resolve);
      const ended = (): void =>
        fail(
          code === null ? `was ended by ${killedBy}` : `ended with exit status ${code}`,
          'Run it by hand with the same parameters, and correct what it says.',
        );
      // The last of its output may still be in the pipe.
      timer.cancel();
      timer = system.setTimer(LAST_OUTPUT, ended);
      child.once('close', ended);
    });
  });
}
