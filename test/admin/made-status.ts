import type { CertificateStatus, InstanceStatus, Status } from '../../src/admin/status.ts';

/** When it is, in what is made here. */
export const NOW = Date.UTC(2026, 10, 23, 14, 5, 0);
const DAY = 86_400_000;
export const at = (days: number): string => new Date(NOW + days * DAY).toISOString();

export const instance = (more: Partial<InstanceStatus> = {}): InstanceStatus => ({
  ...{ place: 'http://synapse:8008', address: '10.0.0.7:8008', state: 'here', since: at(-3) },
  ...{ requests_in_flight: 3, why: null },
  ...more,
});

export const server = (name: string, more: Partial<Status['servers'][number]> = {}): Status['servers'][number] => ({
  ...{ server_name: name, homeserver: 'http://synapse:8008', delegate_to: null, delegate_by: null, apex: 'here' },
  ...{ away_seconds: null, requests_held: 0, instances: [], website_instances: [], workers: [] },
  ...{ mas: null, mas_instances: [], rtc_jwt_instances: [], rtc_sfu_instances: [] },
  ...more,
});

export const certificate = (more: Partial<CertificateStatus> = {}): CertificateStatus => ({
  ...{ names: ['a.test'], origin: 'CA', issuer: "Let's Encrypt E7", level: 'ok', days_left: 61 },
  ...{ not_before: at(-29), not_after: at(61), next_attempt: null, last_result: null, obstacle: null },
  ...more,
});

/** All well, and nothing going on. */
export const status = (more: Partial<Status> = {}): Status => ({
  ...{ at: at(0), version: '1', uptime_seconds: 5, draining: false, config_digest: 'd' },
  listeners: { https: ['1.2.3.4:443'], federation: ['1.2.3.4:8448'], http: [], admin: ['127.0.0.1:9010'] },
  servers: [server('a.test')],
  ...{ certificates: [], requests_in_flight: 0, clients: { connections: 0, distinct: 0, only: null }, processes: [] },
  traffic: { step_seconds: 5, from: at(-600 / 86_400), steps: 120, series: [] },
  ...{ peers: [], saved: { by: {}, held: {} }, warnings: [], logged: [] },
  ...more,
});
