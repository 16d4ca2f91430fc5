import type { Metric } from './metric.ts';

const NAMES = ['names'] as const;

/**
 * Every metric of ours, in the order of the reference page: the one place where a metric is described. The registry and
 * docs/reference/metrics.md are made from it. `names` is a certificate's names, sorted, with commas between them.
 */
export const METRICS = {
  build: {
    name: 'matrix_sidecar_build_info',
    type: 'gauge',
    help: 'Always 1; the labels say which release this is and which Node.js it runs on.',
    labels: ['version', 'node'],
    unit: '1',
    merge: 'max',
  },
  processes: {
    name: 'matrix_sidecar_processes',
    type: 'gauge',
    help: 'Processes of this sidecar, by what they do: serving, starting, draining, or silent, which is one that did not answer in time.',
    labels: ['state'],
    unit: 'processes',
    merge: 'sum',
  },
  processRestarts: {
    name: 'matrix_sidecar_process_restarts_total',
    type: 'counter',
    help: 'Processes that ended, or could not start, without being asked to, and were replaced. The log has their last words.',
    labels: [],
    unit: 'processes',
  },
  certificateExpiry: {
    name: 'matrix_sidecar_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'When the certificate that is served expires; absent as long as there is none but the bootstrap one.',
    labels: NAMES,
    unit: 'seconds since the epoch',
    merge: 'min',
  },
  certificateRisk: {
    name: 'matrix_sidecar_certificate_risk_level',
    type: 'gauge',
    help: 'How near the certificate is to its end: 0 not at all, 1 under a sixth of its lifetime is left, 2 under a twentieth, 3 it has expired, 4 there is none yet.',
    labels: NAMES,
    unit: 'level, 0 to 4',
    merge: 'max',
  },
  certificateLastResult: {
    name: 'matrix_sidecar_certificate_last_attempt_success',
    type: 'gauge',
    help: 'Whether the last attempt to get the certificate from a CA went well (1) or not (0).',
    labels: NAMES,
    unit: '0 or 1',
    merge: 'min',
  },
  certificateLastAttempt: {
    name: 'matrix_sidecar_certificate_last_attempt_timestamp_seconds',
    type: 'gauge',
    help: 'When the last attempt to get the certificate from a CA ended.',
    labels: NAMES,
    unit: 'seconds since the epoch',
    merge: 'max',
  },
  certificateNextAttempt: {
    name: 'matrix_sidecar_certificate_next_attempt_timestamp_seconds',
    type: 'gauge',
    help: 'When the certificate is next to be got from a CA; /api/status says why then. Only from the sidecar that orders.',
    labels: NAMES,
    unit: 'seconds since the epoch',
    merge: 'min',
  },
  acmeAttempts: {
    name: 'matrix_sidecar_acme_attempts_total',
    type: 'counter',
    help: 'Attempts to get a certificate, by the host of the CA and the result: issued, rehearsed or failed.',
    labels: ['ca', 'result'],
    unit: 'attempts',
  },
  acmeOrders: {
    name: 'matrix_sidecar_acme_orders_total',
    type: 'counter',
    help: 'Orders that a CA took, by its host. An attempt that tries another challenge makes a new order.',
    labels: ['ca'],
    unit: 'orders',
  },
  warningDeliveries: {
    name: 'matrix_sidecar_warning_deliveries_total',
    type: 'counter',
    help: 'Tries to post a warning to the webhook or the Matrix room, by their result: delivered or failed.',
    labels: ['result'],
    unit: 'tries',
  },
  warnings: {
    name: 'matrix_sidecar_warnings',
    type: 'gauge',
    help: 'Warnings that hold, by what they are about: certificate, homeserver (workers too), federation or apex. /api/status has their sentences.',
    labels: ['about'],
    unit: 'warnings',
    merge: 'max',
  },
  requests: {
    name: 'matrix_sidecar_requests_total',
    type: 'counter',
    help: 'Requests that are over, by where they belong, the status of their answer (the class of seldom ones; none where the client left before) and whose fault a failure was: client, upstream, us, or nobody.',
    labels: ['surface', 'status', 'blame'],
    unit: 'requests',
  },
  requestDuration: {
    name: 'matrix_sidecar_request_duration_seconds',
    type: 'histogram',
    help: 'From the headers of a request until the whole answer has left, waits for a homeserver that is away included; of a WebSocket, until it is open. Requests that wait for news (sync) have the surface long-poll.',
    labels: ['surface'],
    unit: 'seconds',
    buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
  },
  requestsSaved: {
    name: 'matrix_sidecar_requests_saved_total',
    type: 'counter',
    help: 'Requests that were answered well and would have met an error: by hold, repeat, another instance, or what the homeserver had said last.',
    labels: ['by'],
    unit: 'requests',
  },
  requestsRefused: {
    name: 'matrix_sidecar_requests_refused_total',
    type: 'counter',
    help: 'Requests that were refused without asking the homeserver, by why: blocked-network, blocked-server, admin-api, internal, wrong-port, misdirected, malformed, method, unrecognized or no-document.',
    labels: ['why'],
    unit: 'requests',
  },
  answersCut: {
    name: 'matrix_sidecar_answers_cut_total',
    type: 'counter',
    help: 'Answers that were cut because their client did not read on: for too long (stalled, limits.stalled), or while too many such answers waited (crowded).',
    labels: ['why'],
    unit: 'answers',
  },
  originRequests: {
    name: 'matrix_sidecar_origin_requests',
    type: 'gauge',
    help: 'Requests of other servers that were answered well in the last whole five minutes, of the 20 that asked most and of all others together (other). Names are as the servers state them.',
    labels: ['origin'],
    unit: 'requests',
    merge: 'sum',
  },
  homeserverAway: {
    name: 'matrix_sidecar_homeserver_away',
    type: 'gauge',
    help: 'Whether the homeserver, some of its workers, or a service beside it (authentication, calls) cannot be reached at the moment (1), so that requests wait for it, or can (0).',
    labels: ['homeserver'],
    unit: '0 or 1',
    merge: 'max',
  },
  requestsHeld: {
    name: 'matrix_sidecar_requests_held',
    type: 'gauge',
    help: 'Requests that wait for a homeserver that is away, for a service beside it, or for its workers, pools in their order with semicolons between them.',
    labels: ['homeserver'],
    unit: 'requests',
    merge: 'sum',
  },
  requestsHeldTotal: {
    name: 'matrix_sidecar_requests_held_total',
    type: 'counter',
    help: 'Requests that met a homeserver that was away, by what became of them: released when it was back, expired after the longest wait, left by their client, or refused because too many waited.',
    labels: ['homeserver', 'outcome'],
    unit: 'requests',
  },
  requestsRepeated: {
    name: 'matrix_sidecar_requests_repeated_total',
    type: 'counter',
    help: 'Requests that were sent to the homeserver once more because their connection had died before an answer.',
    labels: ['homeserver'],
    unit: 'requests',
  },
  upstreamInstances: {
    name: 'matrix_sidecar_upstream_instances',
    type: 'gauge',
    help: 'Instances of an upstream (homeserver, website or pool of workers) by state: here; warming, which came back and gets requests little by little; or ejected, which gets none.',
    labels: ['upstream', 'state'],
    unit: 'instances',
    merge: 'max',
  },
  upstreamInstanceUp: {
    name: 'matrix_sidecar_upstream_instance_up',
    type: 'gauge',
    help: 'Whether an instance of an upstream gets requests (1), be they few because it came back just now, or is away (0).',
    labels: ['upstream', 'place'],
    unit: '0 or 1',
    merge: 'min',
  },
  upstreamInFlight: {
    name: 'matrix_sidecar_upstream_requests_in_flight',
    type: 'gauge',
    help: 'Requests and WebSockets that an upstream (homeserver, website or pool of workers) has now, long polls included.',
    labels: ['upstream'],
    unit: 'requests',
    merge: 'sum',
  },
  upstreamEjections: {
    name: 'matrix_sidecar_upstream_ejections_total',
    type: 'counter',
    help: 'Times that one of several instances of an upstream was taken out because it could not be reached or was not well.',
    labels: ['upstream'],
    unit: 'ejections',
  },
  lastGoodAnswers: {
    name: 'matrix_sidecar_last_good_answers_total',
    type: 'counter',
    help: 'Requests for keys and versions that were given what the homeserver had said last, because it was away or slow.',
    labels: ['server'],
    unit: 'requests',
  },
  requestsQueued: {
    name: 'matrix_sidecar_requests_queued',
    type: 'gauge',
    help: 'Requests of other servers that wait for their turn, because too many are under way (limits.requests_per_origin, limits.federation_requests).',
    labels: ['party'],
    unit: 'requests',
    merge: 'sum',
  },
  requestsLimited: {
    name: 'matrix_sidecar_requests_limited_total',
    type: 'counter',
    help: 'Requests that were answered 429 because too many of the same party (client or server) were under way, by the limit that they met: requests_per_client, requests_per_origin, federation_requests, or wait, which is 45 s in the queue.',
    labels: ['party', 'limit'],
    unit: 'requests',
  },
  handshakes: {
    name: 'matrix_sidecar_tls_handshakes_total',
    type: 'counter',
    help: 'TLS handshakes that were completed: full, resumed from an earlier session, or challenge, by a CA that validates a name.',
    labels: ['listener', 'kind'],
    unit: 'handshakes',
  },
  handshakeFailures: {
    name: 'matrix_sidecar_tls_handshake_failures_total',
    type: 'counter',
    help: 'Connections that did not get to the end of their TLS handshake, by cause: certificate-refused (by the client), no-common-version, no-common-cipher, alert (another one of the client), plain-http, not-tls, proxy-header, timeout, left or other.',
    labels: ['listener', 'cause'],
    unit: 'connections',
  },
  connections: {
    name: 'matrix_sidecar_connections',
    type: 'gauge',
    help: 'Connections that are open on https, federation and http: active with a request under way, or idle (in a handshake, or between two requests).',
    labels: ['state'],
    unit: 'connections',
    merge: 'sum',
  },
  connectionsRefused: {
    name: 'matrix_sidecar_connections_refused_total',
    type: 'counter',
    help: 'Connections that were closed at once, by the limit that they met: total (limits.connections) or client (limits.connections_per_client).',
    labels: ['limit'],
    unit: 'connections',
  },
  connectionsFlooded: {
    name: 'matrix_sidecar_connections_flooded_total',
    type: 'counter',
    help: 'Connections that were ended because of what they were flooded with, or because they broke HTTP/2. Who comes back several times waits for it.',
    labels: ['listener'],
    unit: 'connections',
  },
  connectionsShed: {
    name: 'matrix_sidecar_connections_shed_total',
    type: 'counter',
    help: 'Idle connections that were closed to make room, by why: too many were idle (limits.idle_connections), too many were open in all (total, limits.connections), or no file descriptor was left (descriptors).',
    labels: ['why'],
    unit: 'connections',
  },
} as const satisfies Readonly<Record<string, Metric>>;

type Table = typeof METRICS;
type OfType<T extends Metric['type']> = {
  [K in keyof Table]: Table[K]['type'] extends T ? K : never;
}[keyof Table];

/** What our code calls a counter, a gauge or a histogram. */
export type CounterId = OfType<'counter'>;
export type GaugeId = OfType<'gauge'>;
export type HistogramId = OfType<'histogram'>;
/** A value for each label of a metric. Never anything that a stranger chooses: every value is a time series. */
export type LabelsOf<K extends keyof Table> = { readonly [L in Table[K]['labels'][number]]: string };
