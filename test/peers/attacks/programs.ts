import { spawnSync } from 'node:child_process';
import { outputOf } from './measure.ts';
import { startCommand } from './victim.ts';

/** A program of somebody else's that attacks `url` for so many seconds, and what it says that it has done. */
export interface Program {
  readonly name: 'slowhttptest' | 'h2load';
  /** Debian's. */
  readonly package: string;
  args(url: string, seconds: number): readonly string[];
  read(output: string): Readonly<Record<string, number>>;
}

function slow(...mode: readonly string[]): Program {
  return {
    name: 'slowhttptest',
    package: 'slowhttptest',
    args: (url, seconds) => [
      ...mode,
      '-c',
      '1000',
      '-r',
      '200',
      '-l',
      String(seconds),
      '-p',
      '3',
      '-v',
      '1',
      '-u',
      url,
    ],
    read(output) {
      // The last of its reports; each has these numbers.
      const count = (what: string): number =>
        Number([...output.matchAll(new RegExp(`${what}:\\s+(\\d+)`, 'g'))].at(-1)?.[1] ?? 0);
      return { connected: count('connected'), closed: count('closed'), pending: count('pending') };
    },
  };
}

function load(path: string, ...options: readonly string[]): Program {
  return {
    name: 'h2load',
    package: 'nghttp2-client',
    args: (url, seconds) => ['-D', String(seconds), ...options, `${new URL(path, url)}`],
    read(output) {
      const [, requests] = /^requests: (\d+) total/m.exec(output) ?? [];
      return { requests: Number(requests ?? 0) };
    },
  };
}

/** By the name of the attack. */
export const PROGRAMS: Readonly<Record<string, Program>> = {
  slowHeaders: slow('-H', '-i', '1'),
  slowBodies: slow('-B', '-i', '1', '-s', '100000'),
  slowReads: slow('-X', '-i', '1', '-w', '1', '-y', '64', '-n', '1', '-z', '8', '-k', '3'),
  floodOfRequests: load('/nothing', '-c', '50', '-m', '10'),
  floodOfWellKnown: load('/.well-known/matrix/client', '-c', '50', '-m', '10'),
};

/** Why a program cannot be had here; undefined where it can. */
export function whyNoProgram(name: string): string | undefined {
  const { name: command, package: needed } = PROGRAMS[name]!;
  const found = spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
  return found ? undefined : `no ${command} on PATH (Debian: apt-get install ${needed})`;
}

/** Runs it against the sidecar's https port. */
export async function runProgram(
  name: string,
  port: number,
  seconds: number,
): Promise<Readonly<Record<string, number>>> {
  const program = PROGRAMS[name]!;
  const url = `https://localhost:${port}/_matrix/client/v3/big`;
  const output = await outputOf(startCommand([program.name, ...program.args(url, seconds)]));
  // The colours of a terminal.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are made of
  return program.read(output.replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, ''));
}
