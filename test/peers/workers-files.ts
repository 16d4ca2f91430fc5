import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSynapseFiles } from './synapse.ts';

/** One process of a Synapse with workers. */
export interface WorkerPlan {
  readonly name: string;
  /** Where it takes requests: a port of 127.0.0.1, or the name of a socket in the folder of Synapse's. */
  readonly at: number | string;
  /** A port of 127.0.0.1 where the other processes write to it; stream writers have one. */
  readonly replication?: number;
  /** `media`: the media repository. */
  readonly resources: 'client' | 'media' | 'health';
}

/** What one Synapse with workers reads from its folder. */
export interface WorkersFiles {
  readonly serverName: string;
  readonly folder: string;
  readonly trusted: readonly string[];
  readonly main: { readonly port: number; readonly replication: number };
  readonly redis: number;
  readonly postgres: { readonly port: number; readonly password: string; readonly database: string };
  readonly workers: readonly WorkerPlan[];
  /** Names of workers by stream. */
  readonly streamWriters: Readonly<Record<string, readonly string[]>>;
  readonly federationSender: string;
}

/** As docs/workers.md says it, and what this test's machine needs. */
export function writeWorkersFiles(files: WorkersFiles): void {
  const { folder, main, postgres, workers } = files;
  writeSynapseFiles({ ...files, port: main.port });
  const { port, password, database } = postgres;
  const args = { user: 'sidecar', password, dbname: database, host: '127.0.0.1', port, cp_min: 1, cp_max: 5 };
  const writers = workers.filter(({ replication }) => replication !== undefined);
  // A file after the first: its top-level keys replace those of the first.
  const shared = {
    listeners: [
      { ...listener(main.port), resources: [{ names: ['client', 'federation'], compress: false }] },
      { port: main.replication, bind_addresses: ['127.0.0.1'], type: 'http', resources: [{ names: ['replication'] }] },
    ],
    database: { name: 'psycopg2', args },
    redis: { enabled: true, host: '127.0.0.1', port: files.redis },
    instance_map: Object.fromEntries([
      ['main', { host: '127.0.0.1', port: main.replication }],
      ...writers.map(({ name, replication }) => [name, { host: '127.0.0.1', port: replication }]),
    ]),
    stream_writers: files.streamWriters,
    enable_media_repo: false,
    federation_sender_instances: [files.federationSender],
    presence: { enabled: true },
    experimental_features: { msc4306_enabled: true, msc4140_enabled: true, msc2409_to_device_messages_enabled: true },
  };
  writeFileSync(join(folder, 'shared.yaml'), JSON.stringify(shared));
  for (const { name, at, replication, resources } of workers) {
    const names = resources === 'client' ? ['client', 'federation'] : resources === 'media' ? ['media'] : ['health'];
    const worker = {
      worker_app: resources === 'media' ? 'synapse.app.media_repository' : 'synapse.app.generic_worker',
      worker_name: name,
      worker_log_config: '/data/log.yaml',
      worker_listeners: [
        { ...listener(at), resources: [{ names }] },
        ...(replication === undefined
          ? []
          : [
              {
                port: replication,
                bind_addresses: ['127.0.0.1'],
                type: 'http',
                resources: [{ names: ['replication'] }],
              },
            ]),
      ],
    };
    writeFileSync(join(folder, `${name}.yaml`), JSON.stringify(worker));
  }
}

function listener(at: number | string): object {
  const place = typeof at === 'number' ? { port: at, bind_addresses: ['127.0.0.1'] } : { path: `/data/${at}` };
  return { ...place, type: 'http', x_forwarded: true };
}
