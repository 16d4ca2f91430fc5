import type { UpstreamPool } from '../base/address.ts';
import type { System } from '../base/system.ts';
import { awaitDescriptor } from './await-descriptor.ts';
import { dialUpstream } from './dial-upstream.ts';
import { explainFailure, troubleOf } from './failure.ts';
import { createHealthCheck, type HealthCheck } from './health-check.ts';
import { type Guest, hasName, type Instance } from './instance.ts';
import type { Trouble } from './instance-health.ts';
import { createInstanceSet, type InstanceSetDeps } from './instance-set.ts';
import type { Names } from './names.ts';
import { askHealth, probeHealth } from './probe-homeserver.ts';
import { createTurns } from './upstream/turns.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import { type Connected, Lease, Line } from './upstream-line.ts';
import type { UpstreamWay } from './upstream-way.ts';

/** Idle connections kept for later; more than a busy homeserver ever has requests in flight per second. */
const MAX_IDLE = 1024;

/** The connections to one upstream, whose instances it chooses among. */
export interface UpstreamConnections extends UpstreamWay {
  readonly upstream: UpstreamPool;
  readonly instances: readonly Instance[];
  /** In use now. */
  readonly busy: number;
  close(): void;
}

export interface UpstreamDeps extends Pick<InstanceSetDeps, 'replaceable' | 'onEjected' | 'onReturned'> {
  readonly system: System;
  readonly names: Names;
  /** A connection could not be opened because no file descriptor was left. */
  readonly onExhausted?: (() => void) | undefined;
}

/**
 * For each instance a stack of single connections, one request each: thousands of open long polls cost the next request
 * nothing.
 */
export function createUpstreamConnections(upstream: UpstreamPool, deps: UpstreamDeps): UpstreamConnections {
  const { system, names } = deps;
  const set = createInstanceSet(upstream, {
    ...deps,
    ask: (instance) => askHealth(use(createLine(instance, true)), system),
    onLost: (place) => {
      if (hasName(place)) names.distrust(place.host);
    },
  });
  const turns = createTurns();
  const doubts = new WeakMap<Instance, HealthCheck>();
  let busy = 0;
  let closed = false;

  function use(line: Line): UpstreamConnection {
    busy++;
    enter(line);
    return new Lease(line, giveBack, findDoubts);
  }

  function giveBack(line: Line, how: 'well' | 'badly', trouble?: Trouble): void {
    const instance = line.host;
    busy--;
    leave(line);
    if (how === 'well') set.good(instance, false);
    const { isUsed, isReusable } = line.wire;
    const wanted = !line.pinned && !closed && !instance.gone && instance.idle.length < MAX_IDLE;
    if (how === 'well' && isReusable && wanted) {
      instance.idle.push(line);
      return;
    }
    line.destroy();
    if (trouble === undefined) return;
    instance.dropIdle();
    // Of an idle connection that was closed as the request went out on it, nobody is to blame.
    if (trouble.kind !== 'lost' || !isUsed) set.trouble(instance, trouble);
  }

  function findDoubts(instance: Instance): HealthCheck | undefined {
    if (set.only !== undefined) return undefined;
    const known = doubts.get(instance);
    if (known !== undefined) return known;
    const ask = async () => (await probeHealth(use(createLine(instance, true)), system)).ok;
    const made = createHealthCheck({ system, ask });
    doubts.set(instance, made);
    return made;
  }

  function createLine(instance: Instance, pinned = false, key?: string): Line {
    return new Line(instance, { pinned, key }, { system, turns, connect });
  }

  /** Opens a connection to where `guest` is, or to another instance where its name turns out to lead elsewhere. */
  function connectOnce(guest: Guest, done: Connected): void {
    const { place, oneOfName } = guest.host;
    if (!hasName(place)) return dialUpstream(place, { quick: set.only === undefined }, system, done);
    const resolve = async () => {
      const { addresses, old } = await names.resolve(place.host);
      set.learn(place, addresses);
      const elsewhere = guest.host.gone || guest.host.oneOfName !== oneOfName;
      if (guest.counted && elsewhere && !guest.pinned) {
        leave(guest);
        guest.host = set.choose(undefined, guest.key, place);
        enter(guest);
      }
      const known = guest.host.addresses;
      return { addresses: known.length === 0 ? addresses : known, quick: old || set.only === undefined };
    };
    dialUpstream(place, { resolve }, system, done);
  }

  function connect(guest: Guest, done: Connected): void {
    awaitDescriptor((settle) => connectOnce(guest, settle), done, { system, onExhausted });
  }

  /** Idle ones have what those need that wait for a descriptor. */
  function onExhausted(): void {
    for (const instance of set.all) instance.dropIdle();
    deps.onExhausted?.();
  }

  return {
    upstream,
    get instances() {
      return set.all;
    },
    get busy() {
      return busy;
    },
    take(options) {
      const key = options?.key;
      const instance = set.only ?? set.choose(options?.tried, key);
      const idle = options?.fresh === true ? undefined : instance.idle.pop();
      return use(idle instanceof Line ? idle : createLine(instance, false, key));
    },
    hasOther: (tried) => set.hasOther(tried),
    dial(key, done) {
      const tried = new Set<Instance>();
      const dialNext = (): void => {
        const guest: Guest = { host: set.only ?? set.choose(tried, key), counted: false, pinned: false, key };
        enter(guest);
        connect(guest, (error, socket) => {
          const { host } = guest;
          if (socket !== null) {
            socket.once('close', () => leave(guest));
            return done(null, socket);
          }
          leave(guest);
          tried.add(host);
          const trouble = troubleOf(error, explainFailure(error, host.text, 0), false);
          if (trouble !== undefined) set.trouble(host, trouble);
          if (set.hasOther(tried)) dialNext();
          else done(error, null);
        });
      };
      dialNext();
    },
    async probe() {
      if (set.only !== undefined) return (await probeHealth(use(createLine(set.only)), system)).ok;
      const asked = set.all.map(async (instance) => {
        const { ok } = await probeHealth(use(createLine(instance, true)), system);
        if (!ok) throw new Error(instance.text);
        set.good(instance, true);
      });
      return Promise.any(asked).then(
        () => true,
        () => false,
      );
    },
    close() {
      closed = true;
      set.close();
    },
  };
}

function enter(guest: Guest): void {
  guest.counted = true;
  guest.host.inFlight++;
}

function leave(guest: Guest): void {
  if (guest.counted) guest.host.inFlight--;
  guest.counted = false;
}
