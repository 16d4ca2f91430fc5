import type { SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import type { SecondChance } from '../forward/forward-plan.ts';
import type { Surface } from '../matrix/endpoint-table.ts';
import { type BusiestNames, createBusiestNames } from '../observe/busiest-names.ts';
import type { BoundHistogram } from '../observe/histogram.ts';
import type { BoundCounter, Metrics } from '../observe/metrics.ts';
import type { Decision, RefusalReason } from '../route/decision.ts';
import type { RequestLimit } from './admit-request.ts';

/** Where a request belongs, for counting: as in Matrix, or what of the sidecar's own answers it. */
export type TalliedSurface =
  | Surface
  | 'long-poll'
  | 'website'
  | 'well-known'
  | 'preflight'
  | 'challenge'
  | 'redirect'
  | 'tester'
  | 'probe'
  | 'refused'
  | 'admin';

/** What saved a request from an error. */
export type Saviour = SecondChance | 'last-good';

/** Whose fault an answer is. */
export type TalliedBlame = 'nobody' | 'client' | 'upstream' | 'us';

/** Counts the requests of one surface. */
export interface SurfaceTally {
  readonly surface: TalliedSurface;
  /** One is over: its status (0 where no answer began), when it began by `RequestTally.now`, what it failed of. */
  count(status: number, began: number, error?: SidecarError): void;
}

/** Counts requests. Counters are found once and kept by number: nothing is built for a request. */
export interface RequestTally {
  now(): number;
  of(surface: TalliedSurface): SurfaceTally;
  /** An answer that is no failure, thanks to `by`. */
  saved(by: Saviour): void;
  refused(why: RefusalReason): void;
  limited(party: 'client' | 'server', limit: RequestLimit): void;
  /** A request of another server is over. */
  cameFrom(origin: string | undefined, status: number): void;
}

/** Statuses that are told apart; others are counted as their class. */
const STATUSES: readonly number[] = [
  101, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 416,
  421, 429, 431, 500, 501, 502, 503, 504,
];
const CLASSES: readonly string[] = ['none', '1xx', '2xx', '3xx', '4xx', '5xx', 'odd'];
const ODD = 6;
const BLAMES: readonly TalliedBlame[] = ['nobody', 'client', 'upstream', 'us'];
const STATUS_LABELS: readonly string[] = [...CLASSES, ...STATUSES.map(String)];
/** By status: its place among the labels. */
const PLACES: Uint8Array = Uint8Array.from({ length: 600 }, (_, status) => {
  const known = STATUSES.indexOf(status);
  if (known !== -1) return CLASSES.length + known;
  return status === 0 ? 0 : status < 100 ? ODD : Math.floor(status / 100);
});

/** Of all that is the sidecar's to answer, it is to blame for a 5xx. */
const OWN: ReadonlySet<TalliedSurface> = new Set(['well-known', 'challenge', 'tester', 'probe', 'admin', 'refused']);

/** Whose fault an answer is; `own`: a 5xx would be the sidecar's. Pure. */
export function findBlame(status: number, error: SidecarError | undefined, own: boolean): TalliedBlame {
  switch (error?.blame) {
    case 'client':
      return 'client';
    case 'upstream':
    case 'remote':
      return 'upstream';
    case 'us':
    case 'operator':
      return 'us';
  }
  // Our own "not ready" and "busy" are what was asked about, and no fault.
  if (own && status === 503) return 'nobody';
  if (status >= 500) return own ? 'us' : 'upstream';
  return status === 0 || status >= 400 ? 'client' : 'nobody';
}

/** As documented in the table of metrics. */
const ORIGINS = { window: 5 * 60_000, shown: 20, remembered: 500 } as const;
/** What may be a server name; anything else a stranger has written to be seen. */
const SERVER_NAME = /^[a-z0-9.:[\]-]{1,255}$/;

export function createRequestTally({
  metrics,
  system,
}: {
  readonly metrics: Metrics;
  readonly system: System;
}): RequestTally {
  const surfaces = new Map<TalliedSurface, SurfaceTally>();
  const origins: BusiestNames = createBusiestNames(ORIGINS, { system });
  const savedBy = new Map<Saviour, BoundCounter>();
  const refusedFor = new Map<RefusalReason, BoundCounter>();
  // From the start, so that the first one is seen as an increase.
  metrics.counter('requestsLimited', { party: 'client', limit: 'requests_per_client' });
  for (const limit of ['requests_per_origin', 'federation_requests', 'wait'])
    metrics.counter('requestsLimited', { party: 'server', limit });
  metrics.gauge('originRequests', () =>
    origins.describe().map(({ name, count }) => ({ labels: { origin: name }, value: count })),
  );

  function createSurface(surface: TalliedSurface): SurfaceTally {
    const cells = new Array<BoundCounter | undefined>(STATUS_LABELS.length * BLAMES.length).fill(undefined);
    const own = OWN.has(surface);
    // Where nobody comes, there are no series.
    let durations: BoundHistogram | undefined;
    return {
      surface,
      count(status, began, error) {
        const blame = findBlame(status, error, own);
        const place = PLACES[status] ?? ODD;
        const index = place * BLAMES.length + BLAMES.indexOf(blame);
        cells[index] ??= metrics.counter('requests', { surface, status: STATUS_LABELS[place]!, blame });
        cells[index].add();
        durations ??= metrics.histogram('requestDuration', { surface });
        durations.observe((system.monotonic() - began) / 1000);
      },
    };
  }

  return {
    now: () => system.monotonic(),
    of: (surface) => keep(surfaces, surface, createSurface),
    saved: (by) => keep(savedBy, by, () => metrics.counter('requestsSaved', { by })).add(),
    refused: (why) => keep(refusedFor, why, () => metrics.counter('requestsRefused', { why })).add(),
    limited: (party, limit) => metrics.counter('requestsLimited', { party, limit }).add(),
    cameFrom(origin, status) {
      // Whoever is refused by the homeserver may have written any name; an answer mostly means that it was proved.
      const proved = status >= 200 && status < 400;
      const name = proved ? origin?.toLowerCase() : undefined;
      origins.note(name !== undefined && SERVER_NAME.test(name) ? name : undefined);
    },
  };
}

/** Where a decision leads. Pure. */
export function findSurface(decision: Decision): TalliedSurface {
  switch (decision.do) {
    case 'forward': {
      const { endpoint } = decision;
      return endpoint === undefined ? 'website' : endpoint.waits ? 'long-poll' : endpoint.surface;
    }
    case 'publish':
      return 'well-known';
    case 'identify':
      return 'key';
    case 'test':
      return 'tester';
    case 'refuse':
      return 'refused';
    default:
      return decision.do;
  }
}

function keep<K, V>(all: Map<K, V>, key: K, create: (key: K) => V): V {
  const known = all.get(key);
  if (known !== undefined) return known;
  const made = create(key);
  all.set(key, made);
  return made;
}
