import type { Upstream } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import { STREAMS, type Stream } from '../matrix/worker-pools.ts';
import { WORKER_ROUTES } from '../matrix/worker-routes.ts';
import { type DerivedWorker, deriveWorkers, writeWorkers } from './derive-workers.ts';
import type { HomeserverYaml } from './homeserver-yaml.ts';
import { nameListener } from './listener.ts';
import type { SidecarFacts, SidecarWorkers } from './sidecar-facts.ts';

/** A list in a sentence names five at most. */
const MOST_NAMED = 5;

/** Whether Synapse and the sidecar know of the same workers, for the same. Pure. */
export function lintWorkers(yaml: HomeserverYaml, { workers, homeserver }: SidecarFacts): Finding[] {
  const { processes } = yaml;
  const derived = deriveWorkers(processes, homeserver);
  if (workers === undefined) return processes.names.length === 0 ? [] : [lintUnrouted(yaml, derived)];
  return [
    ...(processes.redis ? [] : [lintRedis(yaml)]),
    ...STREAMS.flatMap((stream) => lintStream(stream, yaml, workers, derived)),
    ...lintMedia(yaml, workers),
    ...derived.flatMap((one) => lintWorker(one, workers)),
  ];
}

function lintUnrouted({ place, processes }: HomeserverYaml, derived: readonly DerivedWorker[]): Finding {
  const { names } = processes;
  const named = names.slice(0, MOST_NAMED).join(', ') + (names.length > MOST_NAMED ? ' and others' : '');
  const lines = writeWorkers(derived);
  const base = { id: 'synapse-workers-unrouted', severity: 'warning', place: place(['instance_map']) } as const;
  const what = `Synapse has workers (${named}), and the sidecar sends every request to the main process.`;
  const fix =
    lines.length > 0
      ? 'Name them under the server in the configuration of the sidecar; these lines follow from the files of the workers.'
      : 'Name them under workers of the server in the configuration of the sidecar; with the files of the workers beside homeserver.yaml, doctor writes the lines.';
  return { ...base, what, fix, ...(lines.length === 0 ? {} : { lines }) };
}

function lintRedis({ place }: HomeserverYaml): Finding {
  return {
    id: 'synapse-redis-off',
    severity: 'error',
    place: place(['redis']),
    what: 'The sidecar sends requests to workers, and Synapse has no Redis, without which no worker starts.',
    fix: 'Add this, with the host of Redis, and restart all processes of Synapse.',
    lines: ['redis:', '  enabled: true', '  host: redis'],
  };
}

/** Streams of which every process passes on to the writer what it gets; of the others it answers 500. */
export const PASSED_ON: ReadonlySet<Stream> = new Set(
  STREAMS.filter((stream) =>
    WORKER_ROUTES.every(({ pools, failover }) => !pools.includes(stream) || failover === 'main'),
  ),
);

function lintStream(
  stream: Stream,
  { place, processes }: HomeserverYaml,
  { pools }: SidecarWorkers,
  derived: readonly DerivedWorker[],
): Finding[] {
  const written = processes.writers[stream] ?? [];
  const ours = pools[stream] ?? [];
  const at = place(['stream_writers', stream]);
  const passed = PASSED_ON.has(stream);
  const harm = passed ? 'every request is passed on once more' : 'Synapse answers those that write with 500';
  const known = derived.filter(({ name }) => written.includes(name));
  const lines = [
    '    workers:',
    '      stream_writers:',
    `        ${stream}: [${known.map((one) => one.place.text).join(', ')}]`,
  ];
  const severity = passed ? 'info' : 'error';
  if (written.length > 0 && ours.length === 0) {
    // Without a pool of its own, its requests go to the media repository.
    if (stream === 'quarantined_media_changes' && pools.media !== undefined) return [];
    const what = `${written.join(' and ')} write${written.length === 1 ? 's' : ''} the stream ${stream}, and the sidecar has no pool for it: ${harm}.`;
    const fix = `Add ${stream} to stream_writers of the server in the configuration of the sidecar.`;
    return [
      { id: 'synapse-writer-unrouted', severity, place: at, what, fix, ...(known.length === 0 ? {} : { lines }) },
    ];
  }
  const texts = ours.map(({ text }) => text).join(' and ');
  if (written.length === 0 && ours.length > 0) {
    const what = `The sidecar sends the stream ${stream} to ${texts}, and Synapse lets the main process write it: ${harm}.`;
    const fix =
      'Name the worker in stream_writers of Synapse, or take the pool out of the configuration of the sidecar.';
    return [{ id: 'synapse-writers-differ', severity, place: at, what, fix, lines: [`  ${stream}: [NAME]`] }];
  }
  const elsewhere = known.filter((one) => !ours.some((place) => isSamePlace(place, one.place)));
  if (elsewhere.length === 0 && ours.length === written.length) return [];
  const what = `${written.join(' and ')} write${written.length === 1 ? 's' : ''} the stream ${stream}, and the sidecar sends it to ${texts}: ${harm}.`;
  const fix = 'Write the same into both.';
  return [{ id: 'synapse-writers-differ', severity, place: at, what, fix, ...(known.length === 0 ? {} : { lines }) }];
}

function lintMedia({ place, processes }: HomeserverYaml, { pools }: SidecarWorkers): Finding[] {
  const at = place(['enable_media_repo']);
  if (!processes.mainServesMedia && pools.media === undefined) {
    const what =
      'The main process serves no media (enable_media_repo), and the sidecar sends media there: 404 for all of it.';
    const fix = 'Add the pool media to workers of the server in the configuration of the sidecar.';
    return [
      {
        id: 'synapse-media-unrouted',
        severity: 'error',
        place: at,
        what,
        fix,
        lines: ['      media: http://media1:8082'],
      },
    ];
  }
  if (processes.mainServesMedia && pools.media !== undefined) {
    const what =
      'The sidecar sends media to a worker, and the main process is a media repository as well: both tidy up.';
    const fix = "Add this to Synapse's configuration; workers that are the media repository serve it nevertheless.";
    return [
      { id: 'synapse-media-in-main', severity: 'warning', place: at, what, fix, lines: ['enable_media_repo: false'] },
    ];
  }
  return [];
}

function lintWorker(derived: DerivedWorker, workers: SidecarWorkers): Finding[] {
  const { name, listener, place, pools } = derived;
  const all = [...Object.values(workers.pools).flat(), ...workers.background];
  const at = `${name} on ${nameListener(listener)}`;
  if (!all.some((one) => isSamePlace(one, place))) {
    const what = `The worker ${at} gets no requests: no pool of the sidecar has it.`;
    const fix = 'Add it to the configuration of the sidecar, in these pools or others.';
    const lines = writeWorkers([derived]);
    return [{ id: 'synapse-worker-unused', severity: 'info', place: listener.place, what, fix, lines }];
  }
  const findings: Finding[] = [];
  if (listener.tls) {
    findings.push({
      id: 'synapse-listener-tls',
      severity: 'error',
      place: listener.place,
      what: `The worker ${at} expects TLS, and the sidecar speaks plain HTTP to it.`,
      fix: 'Turn TLS off there: the sidecar does it.',
      lines: ['    tls: false'],
    });
  }
  if (!listener.xForwarded && !pools.includes('background')) {
    findings.push({
      id: 'synapse-x-forwarded',
      severity: 'warning',
      place: listener.place,
      what: `The worker ${at} takes the sidecar's address for every client's: x_forwarded is not true.`,
      fix: 'Add this to the listener, so that limits and bans hit the right client.',
      lines: ['    x_forwarded: true'],
    });
  }
  return findings;
}

/** By port, or by the last part of a path: hosts and mounted folders have several names, and Synapse's is not the sidecar's. */
function isSamePlace(one: Upstream, other: Upstream): boolean {
  if (one.kind === 'unix') return other.kind === 'unix' && nameSocket(one.path) === nameSocket(other.path);
  return other.kind === 'tcp' && one.port === other.port;
}

const nameSocket = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
