import { parseArgs } from 'node:util';
import { BenchError } from './bench-error.ts';
import { QUICK_ROWS, ROW_NAMES } from './experiments/catalogue.ts';
import { PEERS, type PeerName } from './peers/peer.ts';

/** What the bench is asked to do. */
export interface BenchOptions {
  readonly mode: 'full' | 'quick' | 'guard' | 'readme';
  /** Begins of names; all rows where empty. */
  readonly rows: readonly string[];
  readonly peers: readonly PeerName[];
  readonly rounds: number;
  /** Seconds of load for each figure. */
  readonly seconds: number;
  /** Where the result goes. */
  readonly json: string;
  /** dist/main.js of another build, measured as well. */
  readonly beside: string | undefined;
  /** A folder for profiles of the sidecar. */
  readonly profile: string | undefined;
  /** Options of Node for the sidecar, and not for `before`. */
  readonly nodeOptions: readonly string[];
  readonly build: boolean;
}

export const USAGE = `npm run bench -- [quick | guard] [options]

  (nothing)          every row, five rounds: about half an hour
  quick              a few rows, three rounds: under two minutes
  guard              fails when a request costs more than it may, compared with nginx: under a minute
  --readme           measures nothing: writes README.md's table and docs/bench.svg from bench/results.json

  --rows A,B         only rows whose names begin so: ${ROW_NAMES.join(', ')}
  --peers A,B        only these of ${PEERS.join(', ')}; none: the sidecar alone
  --rounds N         rounds, each with a turn of everyone
  --seconds S        seconds of load for each figure
  --json FILE        where the result goes (bench/results/latest.json)
  --beside FILE      also the sidecar of another build: its dist/main.js
  --profile FOLDER   CPU profiles of the sidecar, with the functions that took most
  --node-options "…" options of Node for the sidecar
  --no-build         takes dist/ as it is
`;

const DEFAULTS = {
  full: { rows: [], peers: PEERS, rounds: 5, seconds: 2.5 },
  quick: { rows: QUICK_ROWS, peers: PEERS, rounds: 3, seconds: 1 },
  guard: { rows: [], peers: ['nginx'], rounds: 3, seconds: 1.2 },
  readme: { rows: [], peers: PEERS, rounds: 0, seconds: 0 },
} as const;

/** Reads the arguments. Undefined when only help is wanted; throws a BenchError that says what is wrong. */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parse(args);
  if (values.help === true) return undefined;
  const [word, ...more] = positionals;
  if (more.length > 0 || (word !== undefined && word !== 'quick' && word !== 'guard')) {
    throw new BenchError(`No such mode: ${positionals.join(' ')}. There are quick and guard.`);
  }
  const mode = values.readme === true ? 'readme' : (word ?? 'full');
  const defaults = DEFAULTS[mode];
  return {
    mode,
    rows: readRows(values.rows) ?? defaults.rows,
    peers: readPeers(values.peers) ?? defaults.peers,
    rounds: readNumber('rounds', values.rounds, 1) ?? defaults.rounds,
    seconds: readNumber('seconds', values.seconds, 0.1) ?? defaults.seconds,
    json: values.json ?? 'bench/results/latest.json',
    beside: values.beside,
    profile: values.profile,
    nodeOptions: (values['node-options'] ?? '').split(' ').filter((option) => option !== ''),
    build: values['no-build'] !== true,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    rows: text,
    peers: text,
    rounds: text,
    seconds: text,
    json: text,
    beside: text,
    profile: text,
    'node-options': text,
    'no-build': flag,
    readme: flag,
    help: flag,
  };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new BenchError(error instanceof Error ? error.message : String(error));
  }
}

function readRows(text: string | undefined): string[] | undefined {
  const wanted = splitList(text);
  for (const begin of wanted ?? []) {
    if (ROW_NAMES.some((name) => name.startsWith(begin))) continue;
    throw new BenchError(`No row begins with ${begin}. There are ${ROW_NAMES.join(', ')}.`);
  }
  return wanted;
}

function readPeers(text: string | undefined): PeerName[] | undefined {
  if (text === 'none') return [];
  return splitList(text)?.map((name) => {
    const peer = PEERS.find((one) => one === name);
    if (peer === undefined) throw new BenchError(`No peer is called ${name}. There are ${PEERS.join(', ')}, or none.`);
    return peer;
  });
}

function readNumber(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value < least)
    throw new BenchError(`--${name} ${text}: write a number from ${least}.`);
  return value;
}

function splitList(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
