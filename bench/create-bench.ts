import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from './bench-error.ts';
import { awaitContender, type Contender } from './contender.ts';
import type { Bench, UpstreamKind } from './experiments/experiment.ts';
import { findFreePort } from './free-port.ts';
import type { Placement } from './machine.ts';
import { launchCaddy } from './peers/caddy.ts';
import { LARGE, launchFixedUpstream } from './peers/fixed-upstream.ts';
import { launchHaproxy } from './peers/haproxy.ts';
import { launchNginx } from './peers/nginx.ts';
import type { ContenderName, Launch, PeerName, Post } from './peers/peer.ts';
import { launchSidecar, writeSidecarConfig } from './peers/sidecar.ts';
import type { BenchProcess, Processes } from './processes.ts';
import type { Toolbox } from './toolbox.ts';
import type { Workspace } from './workspace.ts';

export interface BenchSlice {
  readonly seconds: number;
  readonly placement: Placement;
  readonly openFiles: number;
  readonly versions: Readonly<Record<PeerName, string>>;
  /** The program of the sidecar, and of the build that it is compared with. */
  readonly main: string;
  readonly beside: string | undefined;
  readonly nodeOptions: readonly string[];
  /** scripted-upstream.ts. */
  readonly scriptedUpstream: string;
}

export interface BenchDeps {
  readonly processes: Processes;
  readonly toolbox: Toolbox;
  readonly workspace: Workspace;
}

const LAUNCH: Readonly<Record<PeerName, (post: Post) => Launch>> = {
  nginx: launchNginx,
  haproxy: launchHaproxy,
  caddy: launchCaddy,
};

/** Puts proxies and upstreams in their places. Everything that it starts belongs to `processes`. */
export function createBench(slice: BenchSlice, { processes, toolbox, workspace }: BenchDeps): Bench {
  const upstreams = new Map<UpstreamKind, Promise<number>>();
  let started = 0;

  async function makePost(name: string, upstreamPort: number): Promise<Omit<Post, 'version'>> {
    const number = ++started;
    const folder = workspace.place(`${number}-${name}`);
    mkdirSync(folder.here);
    const { certificate } = workspace;
    const port = upstreamPort === 0 ? 0 : await findFreePort();
    const write = (file: string, text: string) => workspace.write(`${number}-${name}/${file}`, text);
    return { port, upstreamPort, certificate, openFiles: slice.openFiles, folder, write };
  }

  async function start(name: ContenderName, upstreamPort: number, count?: number): Promise<Contender> {
    const post = await makePost(name, upstreamPort);
    const cores = count === 2 ? slice.placement.pair : slice.placement.proxy;
    const { argv, env = {} } = launch(name, post, count);
    const startedAt = performance.now();
    const process = processes.start({ argv, cores, env, cwd: workspace.place('.').here });
    return awaitContender(name, process, { port: post.port, pem: workspace.certificate.pem }, startedAt);
  }

  function launch(
    name: ContenderName,
    post: Omit<Post, 'version'>,
    count: number | undefined,
  ): { argv: string[]; env?: Readonly<Record<string, string>> } {
    if (name !== 'sidecar' && name !== 'before') {
      const { args, env } = LAUNCH[name]({ ...post, version: slice.versions[name] });
      return { argv: toolbox.command(name, args), ...(env === undefined ? {} : { env }) };
    }
    const main = name === 'sidecar' ? slice.main : slice.beside!;
    const nodeOptions = name === 'sidecar' ? slice.nodeOptions : [];
    const processCount = count === undefined ? {} : { processes: count };
    const { args } = launchSidecar({ ...post, version: '', main, nodeOptions, ...processCount });
    return { argv: [process.execPath, ...args] };
  }

  async function startUpstream(kind: UpstreamKind): Promise<number> {
    const port = await findFreePort();
    const post = await makePost(`upstream-${kind}`, 0);
    const argv =
      kind === 'fixed'
        ? toolbox.command('nginx', launchFixedUpstream(post, port, workspace.zeros(LARGE).inside).args)
        : [process.execPath, slice.scriptedUpstream, String(port)];
    const upstream = processes.start({ argv });
    await awaitUpstream(kind, port, upstream);
    return port;
  }

  return {
    seconds: slice.seconds,
    processes,
    toolbox,
    workspace,
    start,
    upstream(kind) {
      const known = upstreams.get(kind) ?? startUpstream(kind);
      upstreams.set(kind, known);
      return known;
    },
    async whyNoProcesses() {
      const file = writeSidecarConfig({ ...(await makePost('check', 1)), main: '', nodeOptions: [], processes: 2 });
      const check = spawnSync(process.execPath, [slice.main, 'config', 'check', '--config', file], {
        encoding: 'utf8',
      });
      if (check.status === 0) return undefined;
      const said = `${check.stdout}${check.stderr}`.replaceAll(file, 'sidecar.yaml').trim().split('\n')[0];
      return `this build does not take "processes: 2": ${said}`;
    },
  };
}

async function awaitUpstream(kind: UpstreamKind, port: number, upstream: BenchProcess): Promise<void> {
  for (let tries = 0; upstream.alive && tries < 200; tries++) {
    try {
      if ((await fetch(`http://127.0.0.1:${port}/_matrix/x`)).ok) return;
    } catch {
      // It does not listen yet.
    }
    await sleep(25);
  }
  throw new BenchError(`The ${kind} upstream did not come up.\n${upstream.output()}`);
}
