import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestAuthority } from './authority.ts';
import type { Endpoint } from './https-client.ts';
import { startPostgres } from './postgres-server.ts';
import { startRedis, whyNoRedis } from './redis-server.ts';
import { type SidecarProcess, startSidecar } from './sidecar.ts';
import { type Stranger, startStranger } from './stranger.ts';
import { whyNoSynapse } from './synapse.ts';
import type { WorkerPlan } from './workers-files.ts';
import { type SynapseWithWorkers, startSynapseWithWorkers, whyNoWorkers } from './workers-synapse.ts';

export const SERVER_NAME = 'hs7.test';
const HOSTS = { 'hs7.test': '127.0.1.21', 'stranger.test': '127.0.1.22' };
const MAIN = { port: 18_030, replication: 18_031 };
const REDIS = 18_040;

/** All that take requests or are looked after. */
export const WORKERS: readonly WorkerPlan[] = [
  { name: 'generic1', at: 18_032, resources: 'client' },
  { name: 'generic2', at: 18_033, resources: 'client' },
  { name: 'sync1', at: 'sync1.sock', resources: 'client' },
  { name: 'media1', at: 18_034, resources: 'media' },
  { name: 'streams1', at: 18_035, replication: 18_036, resources: 'client' },
  { name: 'persister1', at: 18_037, replication: 18_038, resources: 'health' },
  { name: 'sender1', at: 18_039, resources: 'health' },
];

/** Every stream that takes requests but those of media. */
const STREAMS = [
  ...['typing', 'to_device', 'account_data', 'receipts', 'presence', 'push_rules', 'device_lists'],
  'thread_subscriptions',
];

/** A real Synapse in eight processes behind a sidecar. */
export interface WorkersSetting {
  readonly synapse: SynapseWithWorkers;
  readonly sidecar: SidecarProcess;
  readonly clients: Endpoint;
  readonly federation: Endpoint;
  readonly stranger: Stranger;
  /** The sidecar's admin listener: http://host:port. */
  readonly admin: string;
  /** The folder of Synapse's files. */
  readonly folder: string;
  close(): Promise<void>;
}

/** Why it cannot be started here, or undefined when it can; `postgres` is what `whyNoPostgres` says. */
export async function whyNoWorkersSetting(postgres: string | undefined): Promise<string | undefined> {
  return postgres ?? (await whyNoRedis()) ?? (await whyNoSynapse()) ?? (await whyNoWorkers());
}

/** Starts everything; on any failure what did start is stopped again. */
export async function startWorkersSetting(): Promise<WorkersSetting> {
  const folder = mkdtempSync(join(tmpdir(), 'workers-'));
  const undo: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const stop of undo.reverse()) await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const authority = createTestAuthority('Test authority of the workers');
    const stranger = await startStranger(
      'stranger.test',
      HOSTS['stranger.test'],
      authority.issue(folder, 'stranger.test', ['stranger.test']),
    );
    undo.push(() => stranger.close());
    const postgres = await startPostgres();
    undo.push(() => postgres.close());
    await postgres.sql(`CREATE DATABASE synapse ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
    const redis = await startRedis(REDIS);
    undo.push(() => redis.close());
    const { cert, key } = authority.issue(folder, SERVER_NAME, [SERVER_NAME]);
    const own = join(folder, 'synapse');
    const admin = `${HOSTS[SERVER_NAME]}:9010`;
    const { password } = new URL(postgres.url());
    const synapse = await startSynapseWithWorkers(
      {
        ...{ serverName: SERVER_NAME, folder: own, trusted: [authority.pem], main: MAIN, redis: REDIS },
        postgres: { port: postgres.port, password: decodeURIComponent(password), database: 'synapse' },
        workers: WORKERS,
        streamWriters: { events: ['persister1'], ...Object.fromEntries(STREAMS.map((one) => [one, ['streams1']])) },
        federationSender: 'sender1',
      },
      HOSTS,
    );
    undo.push(() => synapse.close());
    // After Synapse, whose files it reads.
    const sidecar = await startSidecar(join(folder, 'sidecar'), writeYaml(own, cert, key), admin);
    undo.push(() => sidecar.close());
    const at = { address: HOSTS[SERVER_NAME], name: SERVER_NAME, ca: [authority.pem] };
    return {
      ...{ synapse, sidecar, stranger, folder: own, close },
      clients: { ...at, port: 443 },
      federation: { ...at, port: 8448 },
      admin: `http://${admin}`,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function writeYaml(folder: string, cert: string, key: string): string {
  const place = (name: string): string => {
    const { at } = WORKERS.find((worker) => worker.name === name)!;
    return typeof at === 'number' ? `http://127.0.0.1:${at}` : `unix:${join(folder, at)}`;
  };
  const address = HOSTS[SERVER_NAME];
  const files = ['homeserver', 'shared', ...WORKERS.map(({ name }) => name)].map((name) =>
    join(folder, `${name}.yaml`),
  );
  return `servers:
  - server_name: ${SERVER_NAME}
    homeserver: http://127.0.0.1:${MAIN.port}
    homeserver_yaml: [${files.join(', ')}]
    certificate: { cert: ${cert}, key: ${key} }
    workers:
      generic: [${place('generic1')}, ${place('generic2')}]
      sync: ${place('sync1')}
      media: ${place('media1')}
      stream_writers:
${STREAMS.map((stream) => `        ${stream}: ${place('streams1')}\n`).join('')}      background: [${place('persister1')}, ${place('sender1')}]
listen:
  https: ${address}:443
  federation: ${address}:8448
  http: off
  admin: ${address}:9010
certificates: files
store: store
log: { level: info, requests: all }
`;
}
