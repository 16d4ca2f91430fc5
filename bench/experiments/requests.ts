import { SMALL_PATH } from '../ask.ts';
import { type Contender, cpuBetween, sum } from '../contender.ts';
import { type Load, runLoad } from '../h2load.ts';
import { LARGE, LARGE_PATH, SMALL } from '../peers/fixed-upstream.ts';
import { WELL_KNOWN, WELL_KNOWN_PATH } from '../peers/peer.ts';
import type { Cell, Row } from '../result.ts';
import type { Bench, Experiment, UpstreamKind } from './experiment.ts';

interface RequestRow extends Row {
  readonly upstream: UpstreamKind;
  readonly load: Omit<Load, 'body' | 'path'> & { readonly path: string };
  /** Bytes of each request's body. */
  readonly sends?: number;
}

const MB = 1_000_000;
const SMALL_GET = { method: 'GET', path: SMALL_PATH, answer: SMALL } as const;
const SEND = {
  protocol: 'h1',
  streams: 1,
  method: 'PUT',
  path: '/_matrix/federation/v1/send/1',
  answer: SMALL,
} as const;
const ONE_BY_ONE = { protocol: 'h1', streams: 1 } as const;
const UPLOAD_PATH = '/_matrix/media/v3/upload';

const ROWS: readonly RequestRow[] = [
  {
    name: 'small-get-h1',
    title: 'small GET, HTTP/1.1, keep-alive',
    unit: 'µs/request',
    upstream: 'fixed',
    load: { ...ONE_BY_ONE, ...SMALL_GET, connections: 32 },
  },
  {
    name: 'small-get-h2',
    title: 'small GET, HTTP/2',
    unit: 'µs/request',
    upstream: 'fixed',
    load: { protocol: 'h2', streams: 16, ...SMALL_GET, connections: 8 },
  },
  {
    name: 'send-1k',
    title: 'PUT /send of 1 kB',
    unit: 'µs/request',
    upstream: 'scripted',
    sends: 1_000,
    load: { ...SEND, connections: 32 },
  },
  {
    name: 'send-50k',
    title: 'PUT /send of 50 kB',
    unit: 'µs/request',
    upstream: 'scripted',
    sends: 50_000,
    load: { ...SEND, connections: 16 },
  },
  {
    name: 'send-5m',
    title: 'PUT /send of 5 MB',
    unit: 'µs/request',
    upstream: 'scripted',
    sends: 5 * MB,
    load: { ...SEND, connections: 4 },
  },
  {
    name: 'well-known',
    title: 'well-known document',
    unit: 'µs/request',
    upstream: 'fixed',
    load: { ...ONE_BY_ONE, method: 'GET', path: WELL_KNOWN_PATH, answer: WELL_KNOWN.length, connections: 32 },
  },
  {
    name: 'download-100m',
    title: 'download of 100 MB',
    unit: 'µs/MB',
    upstream: 'fixed',
    load: { ...ONE_BY_ONE, method: 'GET', path: LARGE_PATH, answer: LARGE, connections: 2 },
  },
  {
    name: 'upload-100m',
    title: 'upload of 100 MB',
    unit: 'µs/MB',
    upstream: 'scripted',
    sends: LARGE,
    load: { ...ONE_BY_ONE, method: 'POST', path: UPLOAD_PATH, answer: SMALL, connections: 2 },
  },
];

/** Rows that h2load measures: CPU time of the proxy for a number of requests, as fast as they go. */
export const requestExperiments: readonly Experiment[] = ROWS.map((row) => ({
  rows: [{ name: row.name, title: row.title, unit: row.unit }],
  openFiles: 1_000,
  async prepare(bench, name) {
    const contender = await bench.start(name, await bench.upstream(row.upstream));
    const load = withBody(bench, row);
    const requests = await warmUp(contender, load, bench).catch(async (error: unknown) => {
      await contender.stop();
      throw error;
    });
    return {
      measure: async () => [toRow(row, await measureLoad(contender, load, requests, bench))],
      finish: () => contender.stop(),
    };
  },
}));

/** The small GET over HTTP/1.1, for those who measure it beside something else. */
export const smallGet: Load = ROWS[0]!.load;

/** Until so many requests are made, or so many seconds have gone, a proxy that compiles while it runs is not warm. */
const WARM_REQUESTS = 20_000;
const WARM_SECONDS = 6;

/**
 * Runs the load until the proxy is warm, and says how many requests make a measurement. Large ones are few: none of them
 * might be complete when a time is up.
 */
export async function warmUp(contender: Contender, load: Load, bench: Bench): Promise<number> {
  const large = Math.max(load.answer, load.body?.bytes ?? 0) >= MB;
  const amount = large ? { requests: 2 * load.connections } : { seconds: Math.ceil(bench.seconds) };
  let made = 0;
  let spent = 0;
  let rate = 0;
  do {
    const { requests, seconds } = await runLoad(contender, load, amount, bench);
    made += requests;
    spent += seconds;
    rate = requests / seconds;
  } while (!large && made < WARM_REQUESTS && spent < WARM_SECONDS);
  return Math.max(load.connections, Math.round(rate * bench.seconds));
}

/** One measurement, in microseconds a request. */
export async function measureLoad(contender: Contender, load: Load, requests: number, bench: Bench): Promise<Cell> {
  const before = contender.cpu();
  const outcome = await runLoad(contender, load, { requests }, bench);
  const used = sum(cpuBetween(before, contender.cpu()));
  return {
    figure: used / outcome.requests,
    perSecond: outcome.requests / outcome.seconds,
    p50: outcome.p50,
    p99: outcome.p99,
    busy: used / 1e6 / outcome.seconds,
  };
}

function withBody(bench: Bench, { load, sends }: RequestRow): Load {
  return sends === undefined ? load : { ...load, body: { ...bench.workspace.zeros(sends), bytes: sends } };
}

/** Where the row counts by megabyte, everything that counts requests does so. */
function toRow({ unit, sends, load }: RequestRow, cell: Cell): Cell {
  if (unit !== 'µs/MB') return cell;
  const megabytes = (sends ?? load.answer) / MB;
  return { ...cell, figure: cell.figure / megabytes, perSecond: (cell.perSecond ?? 0) * megabytes };
}
