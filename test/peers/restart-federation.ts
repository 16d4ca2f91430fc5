import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestAuthority } from './authority.ts';
import { type ContainerNetwork, createContainerNetwork } from './container-network.ts';
import type { Endpoint } from './https-client.ts';
import { type EdgeKind, planEdge, VERSION_COMMANDS } from './restart-edges.ts';
import { IMAGE, writeSynapseFiles } from './synapse.ts';

/** One homeserver of the federation and the way into its edge. */
export interface RestartMember {
  readonly serverName: string;
  readonly clients: Endpoint;
  /** Synapse's database on this machine. */
  readonly database: string;
}

/** How a homeserver goes, and how it comes again. */
export interface Restart {
  readonly by: 'stop' | 'kill';
  /** Milliseconds until it is started again. */
  readonly gap: number;
  /** In a new container at a new address. */
  readonly moved: boolean;
}

/** What a restart was like, seen from beside the homeserver. */
export interface Absence {
  /** `Date.now()` of the last moment before it was told to go, and of the first answer to /health. */
  readonly from: number;
  readonly until: number;
  /** Milliseconds from its start to that answer. */
  readonly startUp: number;
}

/** Three Synapses in containers, each behind an edge in another; hs2.test can be restarted. */
export interface RestartFederation {
  readonly members: readonly [RestartMember, RestartMember, RestartMember];
  /** The one that is restarted. */
  readonly restarted: RestartMember;
  readonly peers: readonly RestartMember[];
  restart(restart: Restart): Promise<Absence>;
  /** Of the edge's program and of Synapse. */
  versions(): Promise<readonly [edge: string, synapse: string]>;
  /** What the containers of one server logged last. */
  log(part: 'edge' | 'synapse', serverName: string, lines: number): Promise<string>;
  close(): Promise<void>;
}

const NAMES = ['hs1.test', 'hs2.test', 'hs3.test'] as const;
const RESTARTED = 'hs2.test';
/** The last number of an address; a moved Synapse gets the next one that nobody had. */
const EDGE = 10;
const SYNAPSE = 20;
const MOVED = 40;

/** Starts everything: `edge` before the one that is restarted, sidecars before the others. */
export async function startRestartFederation(edge: EdgeKind): Promise<RestartFederation> {
  const folder = mkdtempSync(join(tmpdir(), 'restart-'));
  const network = await createContainerNetwork('restart');
  const close = async (): Promise<void> => {
    await network.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return await startAll(edge, folder, network, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function startAll(
  edge: EdgeKind,
  folder: string,
  network: ContainerNetwork,
  close: () => Promise<void>,
): Promise<RestartFederation> {
  const authority = createTestAuthority('Test authority of the restarts');
  const hosts = NAMES.flatMap((name, index) => ['--add-host', `${name}:${network.address(EDGE + index)}`]);
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const startSynapse = (serverName: string, address: string): Promise<void> =>
    network.start({
      name: `synapse-${serverName}`,
      image: IMAGE,
      address,
      command: [],
      options: [
        ...hosts,
        ...['--user', `${uid}:${gid}`, '--env', `UID=${uid}`, '--env', `GID=${gid}`],
        ...['--volume', `${join(folder, serverName, 'synapse')}:/data`],
      ],
    });
  const members = await Promise.all(
    NAMES.map(async (serverName, index): Promise<RestartMember> => {
      const own = join(folder, serverName);
      const data = join(own, 'synapse');
      mkdirSync(data, { recursive: true });
      writeSynapseFiles({
        ...{ serverName, port: 8008, bind: '0.0.0.0', folder: data },
        ...{ trusted: [authority.pem], backOff: 'as-shipped' },
      });
      const address = network.address(EDGE + index);
      const files = authority.issue(own, serverName, [serverName]);
      const kind = serverName === RESTARTED ? edge : 'sidecar';
      const homeserver = `synapse-${serverName}:8008`;
      // Before its Synapse: peers that look for it find an edge at once.
      await network.start(planEdge({ kind, serverName, homeserver, address, folder: own, files }));
      await startSynapse(serverName, network.address(SYNAPSE + index));
      await waitForHealth(network.address(SYNAPSE + index));
      return {
        serverName,
        clients: { address, port: 443, name: serverName, ca: [authority.pem] },
        database: join(data, 'homeserver.db'),
      };
    }),
  );
  const restarted = members.find(({ serverName }) => serverName === RESTARTED)!;
  const container = `synapse-${RESTARTED}`;
  let address = network.address(SYNAPSE + members.indexOf(restarted));
  let moves = 0;
  return {
    members: [members[0]!, members[1]!, members[2]!],
    restarted,
    peers: members.filter((member) => member !== restarted),
    async restart({ by, gap, moved }) {
      const from = Date.now();
      await (by === 'stop' ? network.stop(container) : network.kill(container));
      if (moved) await network.remove(container);
      await sleep(Math.max(0, from + gap - Date.now()));
      if (moved) address = network.address(MOVED + moves++);
      const begun = Date.now();
      await (moved ? startSynapse(RESTARTED, address) : network.startAgain(container));
      await network.run(container, ['python3', '-c', sayHello(network.address(1))]);
      await waitForHealth(address);
      return { from, until: Date.now(), startUp: Date.now() - begun };
    },
    versions: async () => {
      const find = async (name: string, command: readonly string[]): Promise<string> =>
        /\d+\.\d+\.\d+/.exec(await network.run(name, command))?.[0] ?? '';
      const ask = 'import synapse; print(synapse.__version__)';
      return [await find(`edge-${RESTARTED}`, VERSION_COMMANDS[edge]), await find(container, ['python3', '-c', ask])];
    },
    log: (part, serverName, lines) => network.log(`${part}-${serverName}`, lines),
    close,
  };
}

/**
 * Docker gives a container the hardware address that it had before, other engines a new one, which its neighbours learn
 * from the first packet: without one, what they send gets lost for half a minute, whatever they are.
 */
const sayHello = (to: string): string =>
  `import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('${to}', 9))`;

async function waitForHealth(address: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const signal = AbortSignal.timeout(1_000);
    const answer = await fetch(`http://${address}:8008/health`, { signal }).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(100);
  }
  throw new Error(`Synapse at ${address} did not come up within a minute`);
}
