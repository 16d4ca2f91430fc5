import type { Status } from '../../src/admin/status.ts';
import type { TrafficSeries } from '../../src/observe/traffic-record.ts';
import { createSeededRandom } from '../harness/seeded-random.ts';
import { at, certificate, instance, server, status } from './made-status.ts';

const HOUR = 1 / 24;

/** Ten minutes that look like those of a busy homeserver. */
function traffic(failing: boolean): readonly TrafficSeries[] {
  const dice = createSeededRandom(7);
  const series = (surface: string, status: string, rate: (step: number) => number): TrafficSeries => ({
    surface,
    status,
    requests: Array.from({ length: 120 }, (_, step) =>
      Math.max(0, Math.round(rate(step) * (0.6 + 0.8 * dice.fraction()))),
    ),
  });
  const gone = (step: number): number => (failing && step > 100 ? 0.1 : 1);
  const wave = (step: number, mean: number): number => mean * (1 + 0.35 * Math.sin(step / 13)) * gone(step);
  return [
    series('client', '2xx', (step) => wave(step, 90)),
    series('client', '4xx', () => 5),
    series('federation', '2xx', (step) => wave(step, 140)),
    series('federation', '4xx', () => 4),
    series('media', '2xx', (step) => wave(step, 25)),
    series('long-poll', '2xx', () => 30),
    series('key', '2xx', () => 4),
    series('well-known', '2xx', () => 2),
    ...(failing ? [series('federation', '5xx', (step) => (step > 100 ? 30 : 0))] : []),
    ...(failing ? [series('client', '5xx', (step) => (step > 100 ? 14 : 0))] : []),
  ];
}

const worker = (port: number, more = {}) =>
  instance({ place: `http://worker-${port}:8083`, address: `10.0.0.${port}:8083`, since: at(-3), ...more });

const LISTENERS = {
  https: ['0.0.0.0:443', '[::]:443'],
  federation: ['0.0.0.0:8448', '[::]:8448'],
  http: ['0.0.0.0:80'],
  admin: ['127.0.0.1:9010'],
};

/** A deployment of some size, with everything in order. */
export function wellOff(): Status {
  const renewal = { at: at(31.4), why: "In the middle of the window that Let's Encrypt advises." };
  const last_result = { at: at(-28.6), ok: true, what: "issued by Let's Encrypt after 12 seconds" };
  return status({
    version: '0.1.0',
    uptime_seconds: 9 * 86_400,
    listeners: LISTENERS,
    servers: [
      server('example.com', {
        ...{ delegate_to: 'matrix.example.com:443', delegate_by: 'well-known', mas: 'http://mas:8080' },
        instances: [instance({ requests_in_flight: 41 })],
        workers: [
          {
            pool: 'sync',
            instances: [worker(21, { requests_in_flight: 212 }), worker(22, { requests_in_flight: 207 })],
          },
          { pool: 'federation-inbound', instances: [worker(31, { requests_in_flight: 9 })] },
        ],
        mas_instances: [instance({ place: 'http://mas:8080', address: '10.0.0.9:8080', requests_in_flight: 0 })],
      }),
      server('example.org', { instances: [instance({ place: 'unix:/run/synapse/main.sock', address: null })] }),
    ],
    certificates: [
      certificate({ names: ['example.com', 'matrix.example.com'], next_attempt: renewal, last_result }),
      certificate({ names: ['example.org'], next_attempt: renewal, last_result }),
    ],
    requests_in_flight: 472,
    traffic: { step_seconds: 5, from: at(-600 / 86_400), steps: 120, series: traffic(false) },
    peers: [
      { origin: 'matrix.org', requests: 18_312 },
      { origin: 'mozilla.org', requests: 4_071 },
      { origin: 'kde.org', requests: 2_650 },
      { origin: 'fosdem.org', requests: 1_404 },
      { origin: 'tchncs.de', requests: 988 },
      { origin: 'other', requests: 9_120 },
    ],
    saved: { by: { hold: 412, repeat: 7 }, held: { released: 412, left: 3 } },
    processes: [
      { slot: 1, pid: 17, uptime_seconds: 9 * 86_400, restarts: 0, state: 'serving' },
      { slot: 2, pid: 24, uptime_seconds: 9 * 86_400, restarts: 0, state: 'serving' },
    ],
  });
}

/** The same on a bad day. */
export function inTrouble(): Status {
  const well = wellOff();
  const failure =
    'example.org: the CA could not reach http://example.org/.well-known/acme-challenge/: connection refused';
  return {
    ...well,
    servers: [
      server('example.com', {
        ...well.servers[0],
        ...{ away_seconds: 95, requests_held: 38 },
        instances: [
          instance({
            ...{ state: 'ejected', since: at(-95 / 86_400), requests_in_flight: 0 },
            why: 'http://synapse:8008 cannot be reached: connect ECONNREFUSED 10.0.0.7:8008.',
          }),
        ],
        workers: [
          {
            pool: 'sync',
            instances: [
              worker(21, { requests_in_flight: 420, since: at(-3) }),
              worker(22, { state: 'warming', since: at(-20 / 86_400), requests_in_flight: 2 }),
            ],
          },
          well.servers[0]!.workers[1]!,
        ],
      }),
      well.servers[1]!,
    ],
    certificates: [
      well.certificates[0]!,
      certificate({
        ...{ names: ['example.org'], level: 'at-risk', days_left: 9, not_before: at(-81), not_after: at(9) },
        next_attempt: { at: at(3 * HOUR), why: 'The fourth try after three failures, as far apart as the CA allows.' },
        ...{ last_result: { at: at(-5 * HOUR), ok: false, what: failure }, obstacle: failure },
      }),
    ],
    traffic: { ...well.traffic, series: traffic(true) },
    saved: { by: { hold: 412, repeat: 7, 'last-good': 55 }, held: { released: 412, left: 9, expired: 4 } },
    processes: [well.processes[0]!, { slot: 2, pid: 311, uptime_seconds: 40, restarts: 1, state: 'serving' }],
    logged: [
      {
        ...{ level: 'warning', code: null, fix: null, first_at: at(-95 / 86_400), last_at: at(-95 / 86_400), times: 1 },
        what: 'http://synapse:8008 cannot be reached: connect ECONNREFUSED 10.0.0.7:8008. Requests wait for it.',
      },
      {
        ...{ level: 'warning', code: 'preflight-unreachable', first_at: at(-2), last_at: at(-5 * HOUR), times: 4 },
        what: 'No certificate is ordered for example.org: port 80 of 203.0.113.9 does not lead to this sidecar.',
        fix: 'Forward port 80 of your router to this machine, or use the challenge tls-alpn-01.',
      },
    ],
  };
}
