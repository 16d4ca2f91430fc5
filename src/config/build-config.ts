import { resolve } from 'node:path';
import { type Absolute, buildAcme } from './build-acme.ts';
import { decideCertificates } from './certificate-rules.ts';
import type { CertificateFiles, Config, ServerConfig, StoreConfig, WorkersConfig } from './config.ts';
import type { SoundConfig, SoundServer } from './table.ts';

/** What building needs beside the values. `cwd` is where relative paths start. */
export interface BuildInput {
  readonly file: string | undefined;
  readonly cwd: string;
  /** From the environment; it goes before what the file says. */
  readonly logLevel: Config['log']['level'] | undefined;
}

/** Makes the configuration of values in which nothing was found wrong. The result is frozen at every depth. */
export function buildConfig(sound: SoundConfig, input: BuildInput): Config {
  const { listen, routes, limits, log } = sound;
  const absolute = (path: string): string => resolve(input.cwd, path);
  const config: Config = {
    file: input.file === undefined ? undefined : absolute(input.file),
    servers: sound.servers.map((server) => buildServer(server, absolute)),
    listen: {
      https: listen.https,
      federation: listen.federation,
      http: listen.http,
      admin: listen.admin,
      proxyProtocolFrom: listen.proxy_protocol_from,
    },
    routes: {
      federationPort: routes.federation_port,
      adminApiFrom: routes.admin_api_from,
      blockedNetworks: routes.blocked_networks,
      blockedServers: routes.blocked_servers,
      trustedProxies: routes.trusted_proxies,
    },
    certificates: decideCertificates(sound),
    acme: buildAcme(sound.acme, absolute),
    warnings: buildWarnings(sound.warnings),
    federationTester: buildTester(sound.federation_tester, absolute),
    store: resolveStore(sound.store, absolute),
    limits: {
      body: limits.body,
      upload: limits.upload,
      handshake: limits.handshake,
      requestHeaders: limits.request_headers,
      keepAlive: limits.keep_alive,
      stalled: limits.stalled,
      hold: limits.hold,
      requestsPerClient: limits.requests_per_client,
      requestsPerOrigin: limits.requests_per_origin,
      federationRequests: limits.federation_requests,
      connections: limits.connections,
      connectionsPerClient: limits.connections_per_client,
      idleConnections: limits.idle_connections,
      drain: limits.drain,
    },
    processes: sound.processes,
    log: { level: input.logLevel ?? log.level, requests: log.requests },
  };
  return freezeDeep(config);
}

function buildWarnings({ webhook, matrix }: SoundConfig['warnings']): Config['warnings'] {
  if (matrix === undefined) return { webhook, matrix };
  const { homeserver, room, token } = matrix;
  return { webhook, matrix: { homeserver, room, token } };
}

function buildTester(written: SoundConfig['federation_tester'], absolute: Absolute): Config['federationTester'] {
  return { public: written.public, caFile: written.ca_file === undefined ? undefined : absolute(written.ca_file) };
}

function buildServer(server: SoundServer, absolute: Absolute): ServerConfig {
  return {
    serverName: server.server_name,
    homeserver: server.homeserver,
    delegateTo: server.delegate_to,
    delegateBy: server.delegate_by,
    apex: server.apex,
    website: server.website,
    mas: server.mas,
    rtc: server.rtc === undefined ? undefined : { jwt: server.rtc.jwt, sfu: server.rtc.sfu, host: server.rtc.host },
    workers: buildWorkers(server.workers),
    homeserverYaml: (server.homeserver_yaml ?? []).map(absolute),
    wellKnown: server.well_known,
    certificate: buildCertificate(server.certificate, absolute),
    federationCertificate: buildCertificate(server.federation_certificate, absolute),
  };
}

function buildWorkers(written: SoundServer['workers']): WorkersConfig | undefined {
  if (written === undefined) return undefined;
  const { stream_writers, background = [], ...pools } = written;
  const all = Object.entries({ ...pools, ...stream_writers });
  return { pools: Object.fromEntries(all.filter(([, instances]) => instances !== undefined)), background };
}

function buildCertificate(written: SoundServer['certificate'], absolute: Absolute): CertificateFiles | undefined {
  if (written === undefined) return undefined;
  const { cert, key, pkcs12, password } = written;
  if (pkcs12 !== undefined) return { kind: 'pkcs12', file: absolute(pkcs12), password: password ?? '' };
  // The rules have refused one without the other.
  return { kind: 'pem', cert: absolute(cert ?? ''), key: absolute(key ?? '') };
}

function resolveStore(store: StoreConfig, absolute: Absolute): StoreConfig {
  return store.kind === 'files' ? { kind: 'files', folder: absolute(store.folder) } : store;
}

/** Freezes objects and lists at every depth. The values are trees: aliases were written out when they were read. */
function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freezeDeep(inner);
  }
  return value;
}
