import { readFileSync, rmSync } from 'node:fs';
import type { Target } from './ask.ts';
import { BenchError } from './bench-error.ts';
import type { Processes } from './processes.ts';
import { quantile } from './statistics.ts';
import type { Toolbox } from './toolbox.ts';
import { type BenchFile, SERVER_NAME, type Workspace } from './workspace.ts';

/** A load that h2load makes: as many requests as go, a fixed number of them under way. */
export interface Load {
  readonly protocol: 'h1' | 'h2';
  readonly connections: number;
  /** Under way at once on each connection; 1 with h1. */
  readonly streams: number;
  readonly path: string;
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly body?: BenchFile & { readonly bytes: number };
  /** Bytes of each answer's body. */
  readonly answer: number;
}

/** What came of it. */
export interface LoadOutcome {
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

export interface LoadDeps {
  readonly processes: Processes;
  readonly toolbox: Toolbox;
  readonly workspace: Workspace;
}

/** For so many requests, or for so many seconds. */
export type Amount = { readonly requests: number } | { readonly seconds: number };

/** Makes the load. Throws a BenchError when an answer is not 200, or not as long as it should be. */
export async function runLoad(target: Target, load: Load, amount: Amount, deps: LoadDeps): Promise<LoadOutcome> {
  const log = deps.workspace.place('h2load.log');
  rmSync(log.here, { force: true });
  const args = [
    ...(load.protocol === 'h1' ? ['--h1'] : ['-m', String(load.streams)]),
    ...('requests' in amount ? ['-n', String(amount.requests)] : ['-D', String(amount.seconds)]),
    ...['-c', String(load.connections), '-t', '1', '--log-file', log.inside],
    ...['--tls13-ciphers', 'TLS_AES_128_GCM_SHA256', '--groups', 'X25519', '--connect-to', `127.0.0.1:${target.port}`],
    // Windows of 2^30 bytes, so that transfers do not wait for them.
    ...['-w', '30', '-W', '30'],
    ...(load.body === undefined ? [] : ['-d', load.body.inside]),
    ...(load.method === 'GET' ? [] : ['-H', `:method: ${load.method}`]),
    `https://${SERVER_NAME}${load.path}`,
  ];
  const running = deps.processes.start({ argv: deps.toolbox.command('h2load', args) });
  const code = await running.ended;
  const report = readReport(running.output());
  if (code !== 0 || report === undefined) throw new BenchError(`h2load failed: ${running.output()}`);
  const wrong = describeWrong(report, load, 'requests' in amount ? amount.requests : undefined);
  if (wrong !== undefined) throw new BenchError(wrong);
  const times = readTimes(readFileSync(log.here, 'utf8'));
  const requests = report.succeeded;
  return { requests, seconds: report.seconds, p50: quantile(times, 0.5) / 1000, p99: quantile(times, 0.99) / 1000 };
}

/** The figures that h2load prints at the end. */
export interface LoadReport {
  readonly seconds: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Answers with a status of 200 to 299. */
  readonly good: number;
  /** Bytes of all answers' bodies. */
  readonly bytes: number;
}

/** Reads them; undefined when they are not all there. */
export function readReport(said: string): LoadReport | undefined {
  const time = /^finished in ([\d.]+)(us|ms|s|m)\b/m.exec(said);
  const counts = /^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m.exec(said);
  const good = /^status codes: (\d+) 2xx/m.exec(said);
  const bytes = /\((\d+)\) data$/m.exec(said);
  if (time === null || counts === null || good === null || bytes === null) return undefined;
  const unit = { us: 1e-6, ms: 1e-3, s: 1, m: 60 }[time[2] as 'us' | 'ms' | 's' | 'm'];
  const [succeeded, failed, errored] = counts.slice(1).map(Number);
  return {
    seconds: Number(time[1]) * unit,
    succeeded: succeeded!,
    // Where it runs for a time, the requests that are under way at its end count as none of these.
    failed: failed! + errored!,
    good: Number(good[1]),
    bytes: Number(bytes[1]),
  };
}

/** What is wrong with the answers, in a sentence; undefined when nothing is. `asked`: how many there should be. */
export function describeWrong(report: LoadReport, load: Load, asked: number | undefined): string | undefined {
  const { succeeded, failed, good, bytes } = report;
  if (failed > 0 || good < succeeded || (asked !== undefined && succeeded !== asked) || succeeded === 0) {
    return `${load.method} ${load.path}: of ${asked ?? succeeded + failed} requests, ${succeeded} were answered, ${good} of these 2xx.`;
  }
  // Some more bytes when it ran for a time: of answers that were not complete at its end.
  if (asked !== undefined && bytes !== succeeded * load.answer) {
    return `${load.method} ${load.path}: ${bytes} bytes in ${succeeded} answers instead of ${load.answer} in each.`;
  }
  return undefined;
}

/** Microseconds that each request took: the third column of h2load's log. */
export function readTimes(log: string): number[] {
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(line.slice(line.lastIndexOf('\t') + 1)));
}
