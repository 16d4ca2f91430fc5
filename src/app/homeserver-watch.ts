import type { UpstreamPool } from '../base/address.ts';
import type { Log } from '../base/log.ts';
import type { System, Timer } from '../base/system.ts';
import type { Matter } from './announcer.ts';
import { describeAbsence } from './describe-absence.ts';
import { type Absence, judgeAbsence, noteAbsence, UNKNOWN_ABSENCE } from './judge-absence.ts';
import { listServices } from './list-services.ts';
import { type Runtime, suspect } from './runtime.ts';
import { createStandingMatter, nameMatter } from './standing-matter.ts';
import type { WarningBoard } from './warning-board.ts';

/** Looks whether homeservers, authentication services and workers are there, and tells when one is down for long. */
export interface HomeserverWatch {
  /** What is known of them now is told again, as after a reload. */
  tell(): void;
  /** Whether nobody answered there when it was last looked, or not for a minute since: no request need have met that. */
  isAway(homeserver: Pick<UpstreamPool, 'text'>): boolean;
  /** Idempotent. */
  close(): void;
}

export interface HomeserverWatchDeps {
  readonly system: System;
  readonly log: Log;
  runtime(): Runtime;
  board(): Pick<WarningBoard, 'put'>;
}

/** Something that is looked at. */
interface Place {
  readonly id: string;
  /** `The homeserver of a.test (http://synapse:8008)`. */
  readonly what: string;
  readonly names: readonly string[];
  readonly fix: string;
  isHere(): Promise<boolean> | boolean;
  /** A sentence, or undefined where nothing is known. */
  why(): string | undefined;
}

interface Known {
  readonly place: Place;
  readonly absence: Absence;
}

/** Names that a sentence has. */
const MOST_NAMES = 5;
/** Milliseconds from one look to the next. */
const PAUSE = 30_000;
/** Milliseconds that a look may come late. After more, the machine slept: nobody knows who was there meanwhile. */
const LATE = 30_000;
/** Places that are asked at a time: a host of many has as many descriptors as anybody. */
const AT_ONCE = 50;

/** Without requests nobody would notice, so each is asked for its health. */
export function createHomeserverWatch(deps: HomeserverWatchDeps): HomeserverWatch {
  const { system, log } = deps;
  let known = new Map<string, Known>();
  let closed = false;
  let timer: Timer = lookLater();

  function lookLater(): Timer {
    const due = system.monotonic() + PAUSE;
    return system.setTimer(PAUSE, () => {
      const slept = system.monotonic() > due + LATE;
      void look(slept).finally(() => {
        if (!closed) timer = lookLater();
      });
    });
  }

  async function look(slept: boolean): Promise<void> {
    const places = listPlaces(deps.runtime());
    const here = await askAll(places);
    if (closed) return;
    const before = slept ? new Map([...known].filter(([, { absence }]) => absence.long)) : known;
    known = new Map(
      places.map((place, index) => {
        const old = before.get(place.id)?.absence ?? UNKNOWN_ABSENCE;
        const absence = noteAbsence(old, here[index]!, system.monotonic());
        if (absence.long !== old.long) tellLog(place, old, absence);
        return [place.id, { place, absence }];
      }),
    );
    tell();
  }

  function tellLog({ what, names, fix, why }: Place, before: Absence, { long }: Absence): void {
    const { message, relief } = describeAbsence({ what, why: why(), awaySince: before.awaySince }, system.monotonic());
    if (long) log.error({ code: 'homeserver-down-for-long', names, fix }, message);
    else log.info({ names }, relief);
  }

  function tell(): void {
    deps.board().put(
      'homeservers',
      [...known.values()].flatMap((one) => describeMatter(one) ?? []),
    );
  }

  function describeMatter({ place, absence }: Known): Matter | undefined {
    const monotonic = system.monotonic();
    const verdict = judgeAbsence(absence, monotonic);
    if (verdict === 'unsure') return undefined;
    const { id, what, names, fix } = place;
    const { awaySince } = absence;
    const { message, relief } = describeAbsence({ what, why: place.why(), awaySince }, monotonic);
    const since = system.now() - (monotonic - (awaySince ?? monotonic));
    const trouble = verdict === 'here' ? undefined : { message, fix, since };
    return createStandingMatter({ id, about: 'homeserver', level: 'down', names, trouble, relief });
  }

  return {
    tell,
    isAway: ({ text }) => known.get(nameMatter('homeserver', text))?.absence.awaySince !== undefined,
    close() {
      closed = true;
      timer.cancel();
    },
  };
}

/** In their order. */
async function askAll(places: readonly Place[]): Promise<readonly boolean[]> {
  const here: boolean[] = [];
  for (let begun = 0; begun < places.length; begun += AT_ONCE)
    here.push(...(await Promise.all(places.slice(begun, begun + AT_ONCE).map((place) => place.isHere()))));
  return here;
}

/** Each homeserver and each service beside it once, however many server names it has, and each pool of workers. */
function listPlaces(runtime: Runtime): readonly Place[] {
  const { servers } = runtime.config;
  return [
    ...groupPrograms(servers).map(({ upstream, names, who }): Place => {
      return {
        ...{ id: nameMatter('homeserver', upstream.text), names },
        what: `The ${who} of ${shorten(names)} (${upstream.text})`,
        fix: 'Start it, or see in its log why it does not answer; matrix-sidecar doctor asks it as the sidecar does.',
        isHere: () => isProgramHere(runtime, upstream, who, names[0]!),
        why: () => runtime.holdOf(upstream)?.status.why,
      };
    }),
    ...servers.flatMap(({ serverName: { text } }) => listPools(runtime, text)),
  ];
}

/**
 * Where a homeserver seems not to be there and requests are still sent to it, its documents are fetched (`server` is one of
 * its names): whether those come decides, and the status says then that it is away. A path for health that alone is out of
 * order must not keep requests from it. Of a service beside it nothing else is known: it is asked once more.
 */
async function isProgramHere(runtime: Runtime, upstream: UpstreamPool, who: string, server: string): Promise<boolean> {
  const here = await runtime.connectionsTo(upstream).probe();
  const hold = runtime.holdOf(upstream);
  if (here || hold === undefined || hold.status.awaySince !== undefined) return here;
  if (who === 'homeserver') runtime.lastGoodOf(server)?.refresh();
  else suspect(hold, `The ${who} at ${upstream.text} does not answer.`);
  return here;
}

/** They are asked for their health all the time. Of those that take no requests, each does something that no other does. */
function listPools({ workers }: Runtime, server: string): Place[] {
  return workers.list(server).map(({ pool, connections: { upstream, instances } }): Place => {
    const away = () => instances.filter(({ health }) => health.state === 'ejected');
    const fix = 'Start it, or see in its log why it does not answer; matrix-sidecar doctor asks each worker.';
    return {
      ...{ id: nameMatter('workers', `${server}-${pool}`), names: [server], fix },
      what: `${pool === 'background' ? 'One of the background workers' : `The worker pool ${pool}`} of ${server} (${upstream.text})`,
      isHere: () => (pool === 'background' ? away().length === 0 : away().length < instances.length),
      why: () => away()[0]?.health.why,
    };
  });
}

/** Hosts of many have one homeserver for all of them, perhaps. */
function shorten(names: readonly string[]): string {
  return names.length <= MOST_NAMES
    ? names.join(', ')
    : `${names.slice(0, MOST_NAMES).join(', ')} and ${names.length - MOST_NAMES} more`;
}

interface Program {
  /** `homeserver`, `authentication service`. */
  readonly who: string;
  readonly upstream: UpstreamPool;
  readonly names: string[];
}

function groupPrograms(servers: Runtime['config']['servers']): readonly Program[] {
  const groups = new Map<string, Program>();
  for (const server of servers) {
    const beside = listServices(server).map(({ name, upstream }) => ({ who: name, upstream }));
    for (const { who, upstream } of [{ who: 'homeserver', upstream: server.homeserver }, ...beside]) {
      const known = groups.get(upstream.text) ?? { who, upstream, names: [] };
      known.names.push(server.serverName.text);
      groups.set(upstream.text, known);
    }
  }
  return [...groups.values()];
}
