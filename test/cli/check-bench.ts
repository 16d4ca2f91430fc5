import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliIo } from '../../src/cli/io.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import {
  type DeploymentWorld,
  openDeploymentWorld,
  type Plan,
  planDeployment,
} from '../federation-tester/deployment.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Deployments, and `check` that is told how to find them. */
export interface CheckBench {
  readonly world: DeploymentWorld;
  /** Runs `check SERVER_NAME` against a deployment, broken by `change`. */
  check(by: 'nothing' | 'well-known' | 'srv', args: readonly string[], options?: CheckOptions): Promise<Ran>;
  close(): Promise<void>;
}

export interface CheckOptions {
  readonly breakIt?: ((plan: Plan, world: DeploymentWorld) => void) | undefined;
  readonly io?: Partial<CliIo>;
}

export async function openCheckBench(): Promise<CheckBench> {
  const world = await openDeploymentWorld();
  const folder = mkdtempSync(join(tmpdir(), 'check-'));
  const caFile = join(folder, 'ca.pem');
  return {
    world,
    async check(by, args, { breakIt, io = {} } = {}) {
      const plan = planDeployment(world, by);
      breakIt?.(plan, world);
      const { dns, ca, connectTo, close } = await world.open(plan);
      writeFileSync(caFile, ca);
      try {
        const ways = connectTo.flatMap((one) => ['--connect-to', one]);
        return await run(['check', plan.asked, '--ca-file', caFile, '--dns', dns, ...ways, ...args], io);
      } finally {
        await close();
      }
    },
    async close() {
      await world.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs one command line; what it printed, and its exit code. */
export async function run(args: readonly string[], more: Partial<CliIo> = {}): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const io: CliIo = {
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    env: {},
    cwd: tmpdir(),
    isTerminal: false,
    colour: false,
    exitCode: 0,
    ...more,
  };
  await runCommandLine(args, io);
  return { out: out.join(''), err: err.join(''), code: io.exitCode };
}

/** A transcript without what differs from run to run. */
export function normalize(text: string): string {
  return text
    .replace(/(\d+\.\d+\.\d+\.\d+|\]|example\.test):(?!8448|8443|8008)\d{4,5}\b/g, '$1:PORT')
    .replace(/(SRV \d+ \d+) \d+/g, '$1 PORT')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, 'DATE')
    .replace(/took \d+(\.\d+)? m?s/g, 'took TIME')
    .replace(/("SHA256Fingerprint": |"sig[^"]*": )"[^"]+"/g, '$1"..."')
    .replace(/("CacheExpiresAt": |"valid_until_ts": )[1-9]\d+/g, '$1TIME')
    .replace(/("ed25519:a_1": )"[A-Za-z0-9+/]{86}"/g, '$1"SIGNATURE"');
}
