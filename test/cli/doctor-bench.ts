import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { type HostPort, parseHostPort } from '../../src/base/address.ts';
import { bad } from '../../src/base/parsed.ts';
import { realSystem } from '../../src/base/system.ts';
import { VERSION } from '../../src/base/version.ts';
import { choosePorts } from '../../src/cli/demo/choose-ports.ts';
import { createStandInHomeserver, type StandInHomeserver } from '../../src/cli/demo/stand-in-homeserver.ts';
import { describeDeployment } from '../../src/cli/doctor/describe-deployment.ts';
import { openDoctor } from '../../src/cli/doctor/open-doctor.ts';
import { addDoctorCommand } from '../../src/cli/doctor-command.ts';
import { type CliIo, wireCommand } from '../../src/cli/io.ts';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { parseConnectTo } from '../../src/discovery/connect-to.ts';
import type { RowResult } from '../../src/doctor/row.ts';
import { runRows } from '../../src/doctor/run-rows.ts';
import { parseServerName } from '../../src/matrix/server-name.ts';
import { startDnsServer, type ZoneRecord } from '../harness/dns-server.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';

export interface LookOptions {
  readonly config?: string;
  readonly dns?: string;
  /** Before the usual one, which leads port 443 to the sidecar's. */
  readonly connectTo?: readonly string[];
  readonly caFile?: string;
}

export interface Ran {
  readonly code: number;
  /** With the folder written FOLDER, the ports by their names, and durations as `N ms`. */
  readonly out: string;
  readonly err: string;
}

export interface Ports {
  readonly https: number;
  readonly federation: number;
  readonly http: number;
  readonly admin: number;
  readonly homeserver: number;
}

/** A deployment on loopback with names of its own, and doctor to look at it. */
export interface DoctorBench {
  readonly folder: string;
  readonly ports: Ports;
  readonly homeserver: StandInHomeserver;
  /** Records of the DNS that doctor asks; to be changed at will. */
  readonly zone: Map<string, readonly ZoneRecord[]>;
  /** Starts the sidecar with the configuration as it is written now. */
  start(): Promise<TestSidecar>;
  /** Writes the configuration of the sidecar, but for what listens and where the store is. */
  configure(servers: string, certificates?: 'local' | 'files'): void;
  write(name: string, text: string): string;
  run(args?: readonly string[], more?: Partial<Pick<CliIo, 'isTerminal' | 'colour'>>): Promise<Ran>;
  /** Looks at the rows whose ids fit; those that they need are taken for fine unless they fit too. */
  rows(only: RegExp, options?: LookOptions): Promise<readonly RowResult[]>;
  /** Of these rows those that are not fine, as `id state finding finding`. */
  diagnose(only: RegExp, options?: LookOptions): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** The usual configuration: a name, delegated to a host of this machine. */
export function usualServers({ homeserver }: Ports): string {
  return `servers:
  - server_name: example.test
    homeserver: http://127.0.0.1:${homeserver}
    delegate_to: matrix.example.test:443
`;
}

function hostPort(text: string): HostPort {
  const parsed = parseHostPort(text, 53);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

export async function openDoctorBench(): Promise<DoctorBench> {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  const [https = 0, federation = 0, http = 0, admin = 0, at = 0] = await choosePorts([0, 0, 0, 0, 0]);
  const ports: Ports = { https, federation, http, admin, homeserver: at };
  const serverName = parseServerName('example.test');
  if (!serverName.ok) throw new Error(serverName.why);
  const homeserver = await createStandInHomeserver(
    {
      serverName: serverName.value,
      listen: { kind: 'tcp', host: '127.0.0.1', port: at, text: `http://127.0.0.1:${at}` },
      fetchKeys: async () => bad('no other servers here'),
    },
    { system: realSystem, log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} } },
  );
  const zone = new Map<string, readonly ZoneRecord[]>([
    ['example.test', [['A', '127.0.0.1']]],
    ['matrix.example.test', [['A', '127.0.0.1']]],
  ]);
  const dns = await startDnsServer((name, type) => {
    const records = zone.get(name);
    return records === undefined ? 'NXDOMAIN' : records.filter(([kind]) => kind === type);
  });
  const listen = `listen: { https: "127.0.0.1:${https}", federation: "127.0.0.1:${federation}", http: "127.0.0.1:${http}", admin: "127.0.0.1:${admin}" }`;
  const file = join(folder, 'sidecar.yaml');
  let sidecar: TestSidecar | undefined;
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const configure = (servers: string, certificates = 'local'): void =>
    void write('sidecar.yaml', `${listen}\ncertificates: ${certificates}\nstore: ${join(folder, 'certs')}\n${servers}`);
  configure(usualServers(ports));

  const tidy = (text: string): string =>
    Object.entries(ports)
      .reduce((tidied, [name, port]) => tidied.replaceAll(String(port), name.toUpperCase()), text)
      .replaceAll(folder, 'FOLDER')
      .replaceAll(`version ${VERSION}`, 'version V')
      .replaceAll(/\d+ ms/g, 'N ms')
      .replaceAll(/until \d{4}-\d\d-\d\d \d\d:\d\d UTC/g, 'until TIME');

  const createIo = (more: Partial<CliIo> = {}) => {
    const written = { out: '', err: '' };
    const io: CliIo = {
      ...{ env: {}, cwd: folder, isTerminal: false, colour: false, exitCode: 0, ...more },
      stdout(text) {
        written.out += text;
      },
      stderr(text) {
        written.err += text;
      },
    };
    return { io, written };
  };

  const bench: DoctorBench = {
    ...{ folder, ports, homeserver, zone, configure, write },
    async start() {
      sidecar = await startTestSidecar(readFileSync(file, 'utf8'), { folder });
      return sidecar;
    },
    async run(args = [], more = {}) {
      const { io, written } = createIo(more);
      const program = wireCommand(new Command('matrix-sidecar'), io);
      addDoctorCommand(program, io);
      // Of several --connect-to, the first that fits decides.
      const usual = ['--connect-to', `:443::${https}`];
      try {
        const given = ['doctor', '--config', 'sidecar.yaml', '--dns', dns.address, ...args, ...usual];
        await program.parseAsync(given, { from: 'user' });
      } catch (error) {
        if (!(error instanceof CommanderError)) throw error;
        io.exitCode = 2;
      }
      return { code: io.exitCode, out: tidy(written.out), err: tidy(written.err) };
    },
    async rows(only, options = {}) {
      const { io } = createIo();
      const loaded = loadConfig({ file: options.config ?? 'sidecar.yaml', env: {}, cwd: folder });
      if (!loaded.ok) throw new Error(formatConfigProblems(loaded.problems));
      const caFile = options.caFile;
      const deployment = describeDeployment(loaded.config, {
        homeserverYaml: [],
        privateAuthority: caFile !== undefined,
      });
      const connectTo = [...(options.connectTo ?? []), `:443::${https}`].map((text) => {
        const parsed = parseConnectTo(text);
        if (!parsed.ok) throw new Error(parsed.why);
        return parsed.value;
      });
      const doctor = await openDoctor(
        loaded.config,
        deployment,
        { dns: hostPort(options.dns ?? dns.address), connectTo, caFile },
        { io, system: realSystem },
      );
      const rows = doctor.rows.filter(({ id }) => only.test(id));
      const results = await runRows({ rows, deadline: { row: 10_000, total: 20_000 } }, { system: realSystem });
      await doctor.close();
      return results;
    },
    async diagnose(only, options) {
      const bad = (await bench.rows(only, options)).filter(({ state }) => state !== 'fine' && state !== 'not-checked');
      return bad.map(({ id, state, findings }) => [id, state, ...findings.map((one) => one.id)].join(' '));
    },
    async close() {
      await sidecar?.close();
      await homeserver.close();
      await dns.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return bench;
}
