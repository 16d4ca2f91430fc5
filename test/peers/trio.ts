import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestAuthority } from './authority.ts';
import type { Endpoint } from './https-client.ts';
import { type SidecarProcess, startSidecar } from './sidecar.ts';
import { type Stranger, startStranger } from './stranger.ts';
import { type Synapse, startSynapse } from './synapse.ts';

/** One homeserver and the two ways into its sidecar. */
export interface Member {
  readonly serverName: string;
  readonly clients: Endpoint;
  readonly federation: Endpoint;
  readonly sidecar: SidecarProcess;
  readonly synapse: Synapse;
}

/** Three Synapses, each behind its own sidecar, each found in another way. */
export interface Trio {
  /** hs1.test: no delegation, so others go to hs1.test:8448. */
  readonly hs1: Member;
  /** hs2.test: well-known delegation to matrix.hs2.test:443. */
  readonly hs2: Member;
  /** hs3.test: well-known delegation to a name with a port, fed.hs3.test:18448; certificates from the sidecar itself. */
  readonly hs3: Member;
  readonly stranger: Stranger;
  close(): Promise<void>;
}

const HOSTS: Readonly<Record<string, string>> = {
  'hs1.test': '127.0.1.1',
  'hs2.test': '127.0.1.2',
  'matrix.hs2.test': '127.0.1.2',
  'hs3.test': '127.0.1.3',
  'fed.hs3.test': '127.0.1.3',
  'stranger.test': '127.0.1.4',
};

interface Plan {
  readonly serverName: string;
  readonly port: number;
  readonly federation: readonly [name: string, port: number];
  /** Lines under the server's entry in the configuration, and at its top level. */
  readonly serverLines: readonly string[];
  readonly lines: readonly string[];
}

function writeSidecarYaml(plan: Plan): string {
  const address = HOSTS[plan.serverName]!;
  const [, federationPort] = plan.federation;
  return `servers:
  - server_name: ${plan.serverName}
    homeserver: http://127.0.0.1:${plan.port}
${plan.serverLines.map((line) => `    ${line}\n`).join('')}listen:
  https: ${address}:443
  federation: ${federationPort === 443 ? 'off' : `${address}:${federationPort}`}
  http: off
  admin: ${address}:9010
store: store
log: { level: info, requests: all }
${plan.lines.map((line) => `${line}\n`).join('')}`;
}

/** Starts everything; on any failure what did start is stopped again. */
export async function startTrio(): Promise<Trio> {
  const folder = mkdtempSync(join(tmpdir(), 'sidecar-trio-'));
  const undo: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(undo.map((stop) => stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  const authority = createTestAuthority('Test authority of the trio');
  const bring = (name: string, names: readonly string[]): string => {
    const { cert, key } = authority.issue(folder, name, names);
    return `certificate: { cert: ${cert}, key: ${key} }`;
  };
  const plans: readonly Plan[] = [
    {
      serverName: 'hs1.test',
      port: 18_008,
      federation: ['hs1.test', 8448],
      serverLines: [bring('hs1.test', ['hs1.test'])],
      lines: ['certificates: files'],
    },
    {
      serverName: 'hs2.test',
      port: 18_009,
      federation: ['matrix.hs2.test', 443],
      serverLines: ['delegate_to: matrix.hs2.test:443', bring('hs2.test', ['hs2.test', 'matrix.hs2.test'])],
      lines: ['certificates: files'],
    },
    {
      serverName: 'hs3.test',
      port: 18_010,
      federation: ['fed.hs3.test', 18_448],
      serverLines: ['delegate_to: fed.hs3.test:18448'],
      lines: ['certificates: local'],
    },
  ];
  try {
    const stranger = await startStranger(
      'stranger.test',
      HOSTS['stranger.test']!,
      authority.issue(folder, 'stranger.test', ['stranger.test']),
    );
    undo.push(() => stranger.close());
    const sidecars: SidecarProcess[] = [];
    for (const plan of plans) {
      const own = join(folder, plan.serverName);
      const sidecar = await startSidecar(own, writeSidecarYaml(plan), `${HOSTS[plan.serverName]}:9010`);
      undo.push(() => sidecar.close());
      sidecars.push(sidecar);
    }
    const trusted = [authority.pem, readFileSync(join(folder, 'hs3.test/store/development-ca/root.pem'), 'utf8')];
    const members = await Promise.all(
      plans.map(async (plan, index): Promise<Member> => {
        const { serverName, port } = plan;
        const own = join(folder, `${serverName}-synapse`);
        const synapse = await startSynapse({ serverName, port, folder: own, trusted, hosts: HOSTS });
        undo.push(() => synapse.close());
        const address = HOSTS[serverName]!;
        const [name, federationPort] = plan.federation;
        return {
          serverName,
          clients: { address, port: 443, name: serverName, ca: trusted },
          federation: { address, port: federationPort, name, ca: trusted },
          sidecar: sidecars[index]!,
          synapse,
        };
      }),
    );
    return { hs1: members[0]!, hs2: members[1]!, hs3: members[2]!, stranger, close };
  } catch (error) {
    await close();
    throw error;
  }
}
