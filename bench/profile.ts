import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the bench reads of a .cpuprofile, as V8 writes it. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
}

type Frame = CpuProfile['nodes'][number]['callFrame'];

export interface SelfTime {
  readonly what: string;
  /** Of the time in which the process was not idle; 0 to 1. */
  readonly share: number;
}

/** Microseconds at the begin that are left out: loading and compiling. */
const START = 2_000_000;
const LONGEST_NAME = 100;

/** Time that was spent in functions themselves and not in what they called, added up by what `nameOf` says; most first. */
export function listSelfTimes(profile: CpuProfile, nameOf: (frame: Frame) => string, skip = START): SelfTime[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const spent = new Map<string, number>();
  let now = 0;
  let all = 0;
  for (const [index, id] of profile.samples.entries()) {
    const time = profile.timeDeltas[index] ?? 0;
    now += time;
    const frame = names.get(id);
    if (frame === undefined || frame.functionName === '(idle)' || now <= skip) continue;
    all += time;
    const what = nameOf(frame);
    spent.set(what, (spent.get(what) ?? 0) + time);
  }
  return [...spent].map(([what, time]) => ({ what, share: time / all })).sort((a, b) => b.share - a.share);
}

/** Every profile in a folder that was written since (Unix ms): where time was spent, and in which functions most. */
export function renderProfiles(folder: string, root: string, since: number): string {
  const files = readdirSync(folder).filter(
    (name) => name.endsWith('.cpuprofile') && statSync(join(folder, name)).mtimeMs >= since,
  );
  const blocks = files.map((file) => {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
    const places = listSelfTimes(profile, (frame) => describePlace(frame, root)).slice(0, 15);
    const functions = listSelfTimes(profile, (frame) => describeFunction(frame, root)).slice(0, 40);
    return [`${join(folder, file)}:`, ...places.map(writeLine), '', ...functions.map(writeLine)];
  });
  return `${blocks.flat().join('\n')}\n`;
}

/** A function with its file and line. */
export function describeFunction({ functionName, url, lineNumber }: Frame, root: string): string {
  const name = functionName === '' ? '(anonymous)' : functionName.slice(0, LONGEST_NAME);
  return url === '' ? name : `${name}  ${fileOf(url, root)}:${lineNumber + 1}`;
}

/** What a function belongs to: a package, a folder of the sidecar, a module of Node, or native code. */
export function describePlace({ functionName, url }: Frame, root: string): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native code';
  const [first, second, third] = fileOf(url, root).split('/');
  if (first === 'node_modules') return second!.startsWith('@') ? `${second}/${third}` : second!;
  if (first!.startsWith('wasm:')) return 'WebAssembly';
  return first!.startsWith('node:')
    ? [first, second].filter((part) => part !== undefined).join('/')
    : `${first}/${second}`;
}

function fileOf(url: string, root: string): string {
  return url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url;
}

function writeLine({ what, share }: SelfTime): string {
  return `  ${(share * 100).toFixed(1).padStart(5)} %  ${what}`;
}
