import { isIP } from 'node:net';
import type { Upstream } from '../base/address.ts';
import { STREAMS } from '../matrix/worker-pools.ts';
import type { AdvisedServer, Deployment } from './advised-server.ts';

export interface HomeserverFacts {
  readonly server: AdvisedServer;
  /** Where clients are sent; undefined where nothing says so. */
  readonly baseUrl: string | undefined;
  /** Where clients find the services for calls; undefined where there are none. */
  readonly callsUrl: string | undefined;
  readonly upload: Deployment['upload'];
}

/**
 * What `homeserver.yaml` of Synapse has to say behind the sidecar (Synapse's configuration manual; synapse/config/server.py).
 * The whole of it can replace what is there under the same keys.
 */
export function renderHomeserverLines({ server, baseUrl, callsUrl, upload }: HomeserverFacts): string {
  const lines = [
    `server_name: ${quote(server.serverName.text)}  # never changes`,
    ...(baseUrl === undefined ? [] : [`public_baseurl: ${quote(`${baseUrl}/`)}`]),
    'listeners:',
    ...renderListener(server.homeserver.instances[0]),
    ...(server.workers === undefined ? [] : REPLICATION),
    'serve_server_wellknown: false  # the sidecar answers /.well-known/matrix/*',
    ...renderWorkers(server),
    ...(callsUrl === undefined ? [] : renderCalls(callsUrl)),
    `max_upload_size: ${writeUpload(upload.bytes)}  # at most what the sidecar lets through (limits.upload: ${upload.text})`,
  ];
  return lines.join('\n');
}

/** How workers reach the main process (Synapse's docs/workers.md, "Shared configuration"). */
const REPLICATION = [
  '  - port: 9093  # the workers ask here; it has neither TLS nor password, so publish it nowhere',
  '    type: http',
  '    resources:',
  '      - names: [replication]',
];

/** What apps ask Synapse for, beside the client document (synapse/config/matrixrtc.py, MSC4140). */
function renderCalls(url: string): string[] {
  return [
    'experimental_features: { msc4143_enabled: true }  # newer apps ask Synapse where calls are',
    `matrix_rtc: { transports: [{ type: livekit, livekit_service_url: ${quote(url)} }] }`,
    'max_event_delay_duration: 24h  # whoever loses the connection leaves the call',
  ];
}

function renderWorkers({ homeserver, workers }: AdvisedServer): string[] {
  if (workers === undefined) return [];
  const [main] = homeserver.instances;
  const { pools } = workers;
  const streams = STREAMS.filter((stream) => pools[stream] !== undefined);
  const host = main.kind === 'tcp' ? main.host : '127.0.0.1';
  return [
    'redis: { enabled: true }  # by it the workers hear of each other; add its host where that is not localhost',
    'instance_map:  # and each worker that writes streams, by its name',
    `  main: { host: ${quote(host)}, port: 9093 }`,
    ...(streams.length === 0 ? [] : ['stream_writers:  # NAME: the worker_name of the one that `workers` has there']),
    ...streams.map((stream) => `  ${stream}: [NAME]`),
    ...(pools.media === undefined ? [] : ['enable_media_repo: false  # the media workers have it']),
  ];
}

function renderListener(homeserver: Upstream): string[] {
  const rest = [
    '    x_forwarded: true  # the client address is what the sidecar says, so nobody else may reach this',
    '    resources:',
    '      - names: [client, federation]',
  ];
  if (homeserver.kind === 'unix') {
    return [
      `  - path: ${quote(homeserver.path)}  # in a folder that the sidecar can reach; a socket has no TLS`,
      '    type: http',
      ...rest,
    ];
  }
  return [
    `  - port: ${homeserver.port}`,
    '    type: http',
    '    tls: false  # the sidecar does the TLS; Synapse needs no certificate',
    `    bind_addresses: ${renderAddresses(homeserver.host)}`,
    ...rest,
  ];
}

/** Synapse's own default, or less where the sidecar lets less through; in the units that Synapse reads. */
function writeUpload(bytes: number): string {
  const mebibytes = Math.floor(bytes / 1024 ** 2);
  if (mebibytes >= 50) return '50M';
  return mebibytes > 0 ? `${mebibytes}M` : `${Math.floor(bytes / 1024)}K`;
}

/** On the same machine nobody else shall reach it; a container or another machine is reached from outside. */
function renderAddresses(host: string): string {
  if (host === 'localhost') return "['127.0.0.1', '::1']";
  if (isIP(host) !== 0) return `['${host}']`;
  return `['::', '0.0.0.0']  # ${host} is another container or machine`;
}

/** A YAML string; JSON is YAML. */
function quote(text: string): string {
  return JSON.stringify(text);
}
