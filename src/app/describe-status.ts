import type { CertificateStatus, Status } from '../admin/status.ts';
import type { BindAddress } from '../base/address.ts';
import { VERSION } from '../base/version.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { BoundAddresses } from './bound-listeners.ts';
import type { Runtime } from './runtime.ts';

export interface StatusFacts {
  readonly runtime: Runtime;
  readonly certificates: readonly Certificate[];
  readonly addresses: BoundAddresses;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds. */
  readonly uptime: number;
  readonly draining: boolean;
  readonly inFlight: number;
}

/** The status from its facts. Pure. */
export function describeStatus(facts: StatusFacts): Status {
  const { config } = facts.runtime;
  const texts = (addresses: readonly BindAddress[]): string[] => addresses.map((address) => address.text);
  return {
    version: VERSION,
    uptime_seconds: Math.floor(facts.uptime / 1000),
    draining: facts.draining,
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
    })),
    certificates: facts.certificates.map((certificate) => describeCertificate(certificate, facts.now)),
    requests_in_flight: facts.inFlight,
  };
}

function describeCertificate(certificate: Certificate, now: number): CertificateStatus {
  return {
    names: [...certificate.dnsNames, ...certificate.ipAddresses],
    origin: certificate.origin,
    not_after: new Date(certificate.notAfter).toISOString(),
    days_left: Math.floor((certificate.notAfter - now) / 86_400_000),
  };
}
