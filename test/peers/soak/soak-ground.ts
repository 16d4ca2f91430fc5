import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Reachable } from '../../harness/client.ts';
import { completeYaml, startProcess, type TestProcess } from '../../harness/process.ts';
import { CA_FILE } from '../../harness/sidecar.ts';
import { mountSmallDisk, type SmallDisk } from '../../harness/small-disk.ts';
import { until } from '../../harness/until.ts';
import { makeCertificate, makeEcCertificate } from '../../tls/make-certificate.ts';
import type { Command, HomeserverAccount, Message } from './act.ts';

/** What of the configuration changes. */
export interface Settings {
  readonly port: number;
  readonly requests: 'errors' | 'all';
  readonly more: boolean;
}

/** A sidecar and a homeserver in processes of their own, and the ground under them, which can be shaken. */
export interface SoakGround extends Reachable {
  readonly sidecar: TestProcess;
  readonly disk: SmallDisk;
  readonly port: number;
  /** All of the log that could be written, line by line. */
  log(): readonly string[];
  tell(command: Command): void;
  /** Opens one more port of the homeserver. */
  openPort(): Promise<number>;
  account(): Promise<HomeserverAccount>;
  /** Has the sidecar collect its garbage; bytes that are left. */
  collect(): Promise<{ readonly heap: number; readonly external: number }>;
  /** Where the homeserver's name leads; undefined for nowhere. */
  point(address: string | undefined): void;
  configure(settings: Settings): Promise<void>;
  renewCertificate(): Promise<void>;
  close(): Promise<void>;
}

/** MiB of the disk that the log is on. */
const DISK = 96;
const NAME = 'homeserver.soak.test';
/** Bytes that the line of the name takes, whatever it says: it is changed in one write. */
const LINE = 80;
export const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;

export async function openSoakGround(seed: number): Promise<SoakGround> {
  const folder = await mkdtemp(join(tmpdir(), 'soak-'));
  const homeserver = fork(join(import.meta.dirname, 'fault-homeserver.ts'), [String(seed), ADDRESSES[0]]);
  const { port } = await said(homeserver, 'listening');
  const disk = await mountSmallDisk(join(folder, 'disk'), DISK * 1024);
  const hosts = openNames(folder, disk);
  const root = makeCertificate({ commonName: 'soak root', ca: true });
  const configFile = join(folder, 'sidecar.yaml');

  async function renewCertificate(): Promise<void> {
    const made = makeEcCertificate(['b.test', 'localhost'], root);
    for (const [name, text] of [
      ['key.pem', made.keyPem],
      ['cert.pem', made.certPem],
    ] as const) {
      await writeFile(join(folder, `${name}.new`), text, { mode: 0o600 });
      await rename(join(folder, `${name}.new`), join(folder, name));
    }
  }

  const configure = (settings: Settings): Promise<void> =>
    writeFile(configFile, completeYaml(describeSettings(folder, settings)));

  await renewCertificate();
  await configure({ port, requests: 'errors', more: false });
  // The shell opens the log where the small disk is, and becomes the sidecar.
  const liveFile = join(folder, 'live');
  const logFile = join(folder, 'disk', 'log');
  const sidecar = startProcess(['serve', '--config', configFile], {
    through: [...disk.through, 'sh', '-c', 'log=$1; shift; exec "$@" >>"$log"', 'sh', logFile],
    env: {
      NODE_OPTIONS: `${readNodeOptions()} --import=${pathToFileURL(join(import.meta.dirname, 'collect-on-signal.ts')).href}`,
      SOAK_LIVE_FILE: liveFile,
    },
  });
  const log = (): string[] => readFileSync(join(disk.here, 'log'), 'utf8').split('\n');
  const ready = await findReady(sidecar, log);
  const portOf = (name: string): number => Number(ready.listeners[name]?.[0]?.split(':').at(-1));
  return {
    sidecar,
    disk,
    port,
    ca: `${readFileSync(join(folder, 'certs', CA_FILE), 'utf8')}${root.certPem}`,
    https: portOf('https'),
    federation: portOf('federation'),
    http: portOf('http'),
    admin: portOf('admin'),
    log,
    tell: (command) => void homeserver.send(command),
    async openPort() {
      homeserver.send({ do: 'open', port: 0 } satisfies Command);
      return (await said(homeserver, 'listening')).port;
    },
    async account() {
      homeserver.send({ do: 'tell' } satisfies Command);
      return (await said(homeserver, 'account')).account;
    },
    async collect() {
      rmSync(liveFile, { force: true });
      sidecar.child.kill('SIGUSR2');
      await until('the garbage is collected', () => existsSync(liveFile));
      return JSON.parse(readFileSync(liveFile, 'utf8')) as { heap: number; external: number };
    },
    point: hosts.point,
    configure,
    renewCertificate,
    async close() {
      await sidecar.close();
      await disk.close();
      hosts.close();
      homeserver.disconnect();
      if (homeserver.exitCode === null) await once(homeserver, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function describeSettings(folder: string, { port, requests, more }: Settings): string {
  const homeserver = `http://${NAME}:${port}`;
  const third = more ? `\n  - { server_name: c.test, homeserver: "${homeserver}" }` : '';
  return `store: ${join(folder, 'certs')}
servers:
  - { server_name: a.test, homeserver: "${homeserver}" }
  - server_name: b.test
    homeserver: "${homeserver}"
    certificate: { cert: ${join(folder, 'cert.pem')}, key: ${join(folder, 'key.pem')} }${third}
limits: { requests_per_client: 5000 }
log: { level: info, requests: ${requests} }
`;
}

/** Those that the image gives to Node. */
function readNodeOptions(): string {
  const dockerfile = readFileSync(join(import.meta.dirname, '../../../Dockerfile'), 'utf8');
  const [, words] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? [];
  if (words === undefined) throw new Error('no ENTRYPOINT in the Dockerfile');
  return (JSON.parse(words) as string[]).filter((word) => word.startsWith('-')).join(' ');
}

/** Gives the processes on the disk a hosts file of their own, and no other source of names. */
function openNames(folder: string, disk: SmallDisk): { point(address: string | undefined): void; close(): void } {
  const file = join(folder, 'hosts');
  writeFileSync(file, '127.0.0.1 localhost\n');
  const descriptor = openSync(file, 'r+');
  const point = (address: string | undefined): void => {
    const line = address === undefined ? '#' : `${address} ${NAME}`;
    writeSync(descriptor, `${line.padEnd(LINE)}\n`, 20);
  };
  point(ADDRESSES[0]);
  writeFileSync(join(folder, 'nsswitch.conf'), 'hosts: files\n');
  for (const name of ['hosts', 'nsswitch.conf']) {
    const [nsenter, ...rest] = [...disk.through, 'mount', '--bind', join(folder, name), `/etc/${name}`];
    const { status, stderr } = spawnSync(nsenter!, rest, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`/etc/${name} cannot be mounted over: ${stderr}`);
  }
  return { point, close: () => closeSync(descriptor) };
}

interface Ready {
  readonly listeners: Readonly<Record<string, readonly string[]>>;
}

async function findReady(sidecar: TestProcess, log: () => readonly string[]): Promise<Ready> {
  const find = (): string | undefined => log().find((line) => line.includes('"msg":"Ready.'));
  const holds = (): boolean => {
    if (sidecar.child.exitCode !== null) throw new Error(`the sidecar ended: ${sidecar.stderr()}`);
    return find() !== undefined;
  };
  await until('the sidecar is there', () => existing(holds), 30_000);
  return JSON.parse(find()!) as Ready;
}

function existing(holds: () => boolean): boolean {
  try {
    return holds();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function said<S extends Message['says']>(child: ChildProcess, what: S): Promise<Message & { says: S }> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [Message];
    if (message.says === what) return message as Message & { says: S };
  }
}
