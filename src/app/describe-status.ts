import { countSaved } from '../admin/count-saved.ts';
import type { InstanceStatus, Status } from '../admin/status.ts';
import type { BindAddress, UpstreamPool } from '../base/address.ts';
import { VERSION } from '../base/version.ts';
import type { ServerConfig } from '../config/config.ts';
import { digestConfig } from '../config/digest-config.ts';
import type { MetricFamily, MetricValue } from '../observe/metric-family.ts';
import type { RecentWarning } from '../observe/recent-warnings.ts';
import type { TrafficStatus } from '../observe/traffic-record.ts';
import type { ActiveWarning } from './announcer.ts';
import type { BoundAddresses } from './bound-listeners.ts';
import type { CertificateOutlook } from './certificate-outlook.ts';
import type { ClientNetworks } from './client-networks.ts';
import { describeCertificate, describeInstant } from './describe-certificate.ts';
import { describeInstances } from './describe-instances.ts';
import { listServices } from './list-services.ts';
import type { Runtime } from './runtime.ts';

export interface StatusFacts {
  readonly runtime: Runtime;
  readonly certificates: readonly CertificateOutlook[];
  readonly warnings: readonly ActiveWarning[];
  readonly addresses: BoundAddresses;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds. */
  readonly monotonic: number;
  /** Milliseconds. */
  readonly uptime: number;
  readonly draining: boolean;
  readonly inFlight: number;
  readonly clients: ClientNetworks;
  readonly traffic: TrafficStatus;
  /** The metric `originRequests`. */
  readonly origins: readonly MetricValue[];
  readonly counters: readonly MetricFamily[];
  readonly logged: readonly RecentWarning[];
  readonly pid: number;
}

/** The status from its facts. Pure. */
export function describeStatus(facts: StatusFacts): Status {
  const { config } = facts.runtime;
  const texts = (addresses: readonly BindAddress[]): string[] => addresses.map((address) => address.text);
  return {
    at: new Date(facts.now).toISOString(),
    version: VERSION,
    uptime_seconds: Math.floor(facts.uptime / 1000),
    draining: facts.draining,
    config_digest: digestConfig(config),
    listeners: {
      https: texts(facts.addresses.https),
      federation: texts(facts.addresses.federation),
      http: texts(facts.addresses.http),
      admin: texts(facts.addresses.admin),
    },
    servers: config.servers.map((server) => ({
      server_name: server.serverName.text,
      homeserver: server.homeserver.text,
      delegate_to: server.delegateTo?.text ?? null,
      delegate_by: server.delegateTo === undefined ? null : server.delegateBy,
      apex: server.apex,
      ...describeHold(server, facts),
      instances: listInstances(server.homeserver, facts),
      website_instances: server.website === undefined ? [] : listInstances(server.website, facts),
      mas: server.mas?.text ?? null,
      mas_instances: server.mas === undefined ? [] : listInstances(server.mas, facts),
      rtc_jwt_instances: server.rtc === undefined ? [] : listInstances(server.rtc.jwt, facts),
      rtc_sfu_instances: server.rtc === undefined ? [] : listInstances(server.rtc.sfu, facts),
      workers: facts.runtime.workers.list(server.serverName.text).map(({ pool, connections }) => ({
        pool,
        instances: describeInstances(connections.instances, undefined, facts),
      })),
    })),
    certificates: facts.certificates.map((certificate) => describeCertificate(certificate, facts.now)),
    warnings: facts.warnings.map(({ id, about, level, since, message, fix }) => {
      return { id, about, level, since: describeInstant(since), sentence: message, fix: fix ?? null };
    }),
    requests_in_flight: facts.inFlight,
    clients: facts.clients,
    traffic: facts.traffic,
    peers: facts.origins.map(({ labels, value }) => ({ origin: String(labels['origin']), requests: value ?? 0 })),
    saved: countSaved(facts.counters),
    logged: facts.logged,
    processes: [
      {
        slot: 1,
        pid: facts.pid,
        uptime_seconds: Math.floor(facts.uptime / 1000),
        restarts: 0,
        state: facts.draining ? 'draining' : 'serving',
      },
    ],
  };
}

function listInstances(upstream: UpstreamPool, facts: StatusFacts): readonly InstanceStatus[] {
  const { runtime } = facts;
  return describeInstances(runtime.connectionsTo(upstream).instances, runtime.holdOf(upstream)?.status, facts);
}

function describeHold(
  server: ServerConfig,
  { runtime, monotonic }: StatusFacts,
): Pick<Status['servers'][number], 'away_seconds' | 'requests_held'> {
  const hold = runtime.holdOf(server.homeserver)?.status;
  const since = hold?.awaySince;
  const services = listServices(server).map(({ upstream }) => runtime.holdOf(upstream)?.status);
  const ways = runtime.workers.listWays(server.serverName.text).map((way) => way.hold.status);
  return {
    away_seconds: since === undefined ? null : Math.floor((monotonic - since) / 1000),
    requests_held: [hold, ...services, ...ways].reduce((sum, one) => sum + (one?.waiting ?? 0), 0),
  };
}
