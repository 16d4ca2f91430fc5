import { Document, isScalar, isSeq } from 'yaml';
import type { BindAddress, Upstream, UpstreamPool } from '../base/address.ts';
import type { CidrSet } from '../base/cidr.ts';
import { type PoolName, STREAMS, WORKER_POOLS } from '../matrix/worker-pools.ts';
import type { CertificateFiles, Config, RtcConfig, ServerConfig, WorkersConfig } from './config.ts';
import { type ConfigDerivation, formatSourcePlace, NOTHING_DERIVED } from './derivation.ts';
import { HIDDEN, redactPassword, redactPath } from './hidden.ts';
import { writeAcme } from './write-acme.ts';
import { writeDuration, writeSize } from './write-quantity.ts';

/**
 * The configuration as YAML that loads again and means the same, with every key written out. Secrets are replaced by
 * `[redacted]`; what follows from Synapse's configuration says so in a comment.
 */
export function writeConfig(config: Config, { derived }: ConfigDerivation = NOTHING_DERIVED): string {
  const document = new Document(toPlain(config), { aliasDuplicateObjects: false });
  for (const { path, places } of derived) {
    const node = document.getIn(path, true);
    const items = isSeq(node) ? node.items : [node];
    for (const [index, place] of places.entries()) {
      const item = items[index];
      if (isScalar(item)) item.comment = ` from ${formatSourcePlace(place)}`;
    }
  }
  // An alias would only puzzle the reader, and folded lines are hard to compare.
  return document.toString({ lineWidth: 0 });
}

function toPlain(config: Config): object {
  const { listen, routes, limits, warnings, federationTester } = config;
  return {
    servers: config.servers.map(writeServer),
    listen: {
      https: writeListener(listen.https),
      federation: writeListener(listen.federation),
      http: writeListener(listen.http),
      admin: writeListener(listen.admin),
      proxy_protocol_from: writeNetworks(listen.proxyProtocolFrom),
    },
    routes: {
      federation_port: routes.federationPort,
      admin_api_from: writeNetworks(routes.adminApiFrom),
      blocked_networks: writeNetworks(routes.blockedNetworks),
      blocked_servers: routes.blockedServers,
      trusted_proxies: writeNetworks(routes.trustedProxies),
    },
    certificates: config.certificates,
    acme: writeAcme(config.acme),
    store: config.store.kind === 'files' ? config.store.folder : redactPassword(config.store.url),
    warnings: writeWarnings(warnings),
    federation_tester: { public: federationTester.public, ca_file: federationTester.caFile },
    limits: {
      body: writeSize(limits.body),
      upload: writeSize(limits.upload),
      handshake: writeDuration(limits.handshake),
      request_headers: writeDuration(limits.requestHeaders),
      keep_alive: writeDuration(limits.keepAlive),
      stalled: writeDuration(limits.stalled),
      hold: writeDuration(limits.hold),
      requests_per_client: limits.requestsPerClient,
      requests_per_origin: limits.requestsPerOrigin,
      federation_requests: limits.federationRequests,
      connections: limits.connections,
      connections_per_client: limits.connectionsPerClient,
      idle_connections: limits.idleConnections,
      drain: writeDuration(limits.drain),
    },
    processes: config.processes,
    log: config.log,
  };
}

function writeWarnings({ webhook, matrix }: Config['warnings']): object {
  return {
    webhook: webhook === undefined ? undefined : redactPath(webhook),
    matrix: matrix === undefined ? undefined : { ...matrix, token: HIDDEN },
  };
}

function writeServer(server: ServerConfig): object {
  return {
    server_name: server.serverName.text,
    homeserver: writePool(server.homeserver),
    delegate_to: server.delegateTo?.text,
    // Without a delegation, the way of publishing it is an error.
    delegate_by: server.delegateTo === undefined ? undefined : server.delegateBy,
    apex: server.apex,
    website: server.website === undefined ? undefined : writePool(server.website),
    mas: server.mas === undefined ? undefined : writePool(server.mas),
    rtc: server.rtc === undefined ? undefined : writeRtc(server.rtc),
    workers: writeWorkers(server.workers),
    homeserver_yaml: server.homeserverYaml,
    well_known: server.wellKnown,
    certificate: writeCertificate(server.certificate),
    federation_certificate: writeCertificate(server.federationCertificate),
  };
}

function writeRtc({ jwt, sfu, host }: RtcConfig): object {
  return { jwt: writePool(jwt), sfu: writePool(sfu), host };
}

function writeWorkers(workers: WorkersConfig | undefined): object | undefined {
  if (workers === undefined) return undefined;
  const { pools, background } = workers;
  const texts = (list: readonly Upstream[]) => list.map(({ text }) => text);
  const written = (names: readonly PoolName[]) =>
    Object.fromEntries(names.flatMap((name) => (pools[name] === undefined ? [] : [[name, texts(pools[name])]])));
  return {
    ...written(WORKER_POOLS),
    stream_writers: written(STREAMS),
    background: background.length === 0 ? undefined : texts(background),
  };
}

function writeCertificate(files: CertificateFiles | undefined): object | undefined {
  if (files === undefined) return undefined;
  if (files.kind === 'pem') return { cert: files.cert, key: files.key };
  return { pkcs12: files.file, password: files.password === '' ? undefined : HIDDEN };
}

function writePool({ instances }: UpstreamPool): string | readonly string[] {
  return instances.length === 1 ? instances[0].text : instances.map(({ text }) => text);
}

function writeListener(addresses: readonly BindAddress[]): string | readonly string[] {
  if (addresses.length === 0) return 'off';
  return addresses.length === 1 ? addresses[0]!.text : addresses.map(({ text }) => text);
}

function writeNetworks(set: CidrSet): readonly string[] {
  return set.networks.map(({ text }) => text);
}
