import type { Upstream } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import type { System } from '../base/system.ts';
import type { PoolName } from '../matrix/worker-pools.ts';
import type { SidecarWorkers } from '../synapse/sidecar-facts.ts';
import { askPlain, type PlainAnswer } from './ask-plain.ts';
import type { DeployedServer } from './deployment.ts';
import { describeAnswer } from './describe-plain.ts';
import type { Row } from './row.ts';

/** Places that are asked at the same time. */
const AT_ONCE = 8;
/** Milliseconds: each place is asked four things at most. */
const DEADLINE = 60_000;

/** What a listener of a worker serves, by Synapse's names, and what shows it. A token is asked for, or not. */
const SHOWN: Readonly<Record<'client' | 'federation' | 'media', { readonly target: string; readonly status: number }>> =
  {
    client: { target: '/_matrix/client/versions', status: 200 },
    federation: { target: '/_matrix/federation/v1/version', status: 200 },
    media: { target: '/_matrix/media/v3/config', status: 401 },
  };
type Resource = keyof typeof SHOWN;

/** The main process knows it, and no worker does (synapse/rest/__init__.py). */
const MAIN_ALONE = '/_matrix/client/v3/pushers';

/** Pools that need something else than the resource `client`. Workers in the background need none. */
const NEEDED: Readonly<Partial<Record<PoolName | 'background', readonly Resource[]>>> = {
  generic: ['client', 'federation'],
  federation_reader: ['federation'],
  federation_inbound: ['federation'],
  media: ['media'],
  quarantined_media_changes: ['media'],
  background: [],
};

/** One place, and all that it is meant for. */
interface Meant {
  readonly place: Upstream;
  readonly pools: (PoolName | 'background')[];
}

/** Whether each worker answers, as a worker, and serves what its pools are for; no row where there are none. */
export function checkWorkers(
  { name, homeserver, facts: { workers } }: DeployedServer,
  { system }: { readonly system: System },
): readonly Row[] {
  if (workers === undefined) return [];
  const meant = listPlaces(workers);
  return [
    {
      id: `workers:${name.text}`,
      title: `The workers of ${name.text} answer, and serve what their pools are for`,
      needs: [],
      hint: 'Check workers in the configuration, and the logs of the workers.',
      deadline: DEADLINE,
      run: async (signal) => {
        const ask = (at: Upstream) => (target: string) => askPlain(at, target, { system, signal });
        const findings: Finding[] = await checkMain(homeserver.instances[0], ask(homeserver.instances[0]));
        for (let first = 0; first < meant.length; first += AT_ONCE) {
          const some = meant.slice(first, first + AT_ONCE);
          findings.push(...(await Promise.all(some.map((one) => checkWorker(one, ask(one.place))))).flat());
        }
        const away = findings.filter(({ id }) => id === 'worker-unreachable').length;
        return { seen: `${meant.length - away} of ${meant.length} answer`, findings };
      },
    },
  ];
}

function listPlaces({ pools, background }: SidecarWorkers): readonly Meant[] {
  const places = new Map<string, Meant>();
  const add = (pool: PoolName | 'background', place: Upstream): void => {
    const known = places.get(place.text) ?? { place, pools: [] };
    known.pools.push(pool);
    places.set(place.text, known);
  };
  for (const [pool, list] of Object.entries(pools)) for (const place of list) add(pool as PoolName, place);
  for (const place of background) add('background', place);
  return [...places.values()];
}

type Asking = (target: string) => Promise<PlainAnswer>;

async function checkMain(place: Upstream, ask: Asking): Promise<Finding[]> {
  if ((await askWhetherMain(ask)) !== false) return [];
  const what = `homeserver: ${place.text} is a worker: it does not know what the main process alone can answer.`;
  const fix = 'Point homeserver at the main process.';
  return [{ id: 'homeserver-is-worker', severity: 'error', what, fix }];
}

async function checkWorker({ place, pools }: Meant, ask: Asking): Promise<Finding[]> {
  const at = `${place.text} (${pools.join(', ')})`;
  const health = await ask('/health');
  if (!health.ok || health.status !== 200) {
    const what = `The worker at ${at} does not answer well to /health: ${describeAnswer(health)}.`;
    const fix = 'Start it, or correct its address under workers in the configuration of the sidecar.';
    return [{ id: 'worker-unreachable', severity: 'error', what, fix }];
  }
  const needed = new Set(pools.flatMap((pool) => NEEDED[pool] ?? (['client'] as const)));
  const findings: Finding[] = [];
  for (const resource of needed) {
    const { target, status } = SHOWN[resource];
    const answer = await ask(target);
    if (answer.ok && answer.status === status) continue;
    findings.push({
      id: 'worker-lacks-resource',
      severity: 'error',
      what: `The worker at ${at} does not serve the resource ${resource}: ${describeAnswer(answer)} to ${target}.`,
      fix:
        resource === 'media'
          ? 'Let it be the media repository in its own file, or take it out of this pool.'
          : 'Name the resources on its listener in its own file.',
      lines:
        resource === 'media'
          ? ['worker_app: synapse.app.media_repository', 'worker_listeners:', '    resources: [{ names: [media] }]']
          : ['worker_listeners:', '    resources: [{ names: [client, federation] }]'],
    });
  }
  if (needed.has('client') && findings.length === 0 && (await askWhetherMain(ask)) === true) {
    const what = `What is at ${at} is the main process, and no worker.`;
    const fix = 'Write the address of the worker; what the main process is to answer belongs to no pool.';
    findings.push({ id: 'worker-is-main', severity: 'warning', what, fix });
  }
  return findings;
}

/** Undefined where it cannot be told. */
async function askWhetherMain(ask: Asking): Promise<boolean | undefined> {
  const answer = await ask(MAIN_ALONE);
  if (!answer.ok) return undefined;
  if (answer.status === 401) return true;
  return answer.status === 404 && answer.body.includes('M_UNRECOGNIZED') ? false : undefined;
}
