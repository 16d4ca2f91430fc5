import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
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
import type { UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamWay } from './upstream-way.ts';

/** Idle connections kept for later; more than a busy homeserver ever has requests in flight per second. */
const MAX_IDLE = 1024;
/** Below Synapse's own 60 s (Twisted's default), so that a connection is seldom closed just as a request goes out. */
const KEEP_ALIVE = 30_000;

type Connected = (error: Error | null, socket: Socket | null) => void;

/** The connections to one upstream, whose instances it chooses among. */
export interface UpstreamConnections extends UpstreamWay {
  readonly upstream: UpstreamPool;
  /** A bare connection, for a protocol of its own. One instance after the other is tried until one can be reached. */
  dial(done: Connected): void;
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
 * For each instance a stack of single connections, one request each. Thousands of open long polls cost the next
 * request nothing, where undici's own Pool looks through all of its busy connections to find a free one.
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
    if (how === 'well' && !line.pinned && !closed && !instance.gone && instance.idle.length < MAX_IDLE) {
      line.used = true;
      instance.idle.push(line);
      return;
    }
    line.destroy();
    if (trouble === undefined) return;
    instance.dropIdle();
    // Of an idle connection that was closed as the request went out on it, nobody is to blame.
    if (trouble.kind !== 'lost' || !line.used) set.trouble(instance, trouble);
  }

  function findDoubts(instance: Instance): HealthCheck | undefined {
    if (set.only !== undefined) return undefined;
    const known = doubts.get(instance);
    if (known !== undefined) return known;
    const ask = async () => (await probeHealth(use(createLine(instance, true)))).ok;
    const made = createHealthCheck({ system, ask });
    doubts.set(instance, made);
    return made;
  }

  function createLine(instance: Instance, pinned = false, key?: string): Line {
    return new Line(instance, pinned, key, connect);
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
    dial(done) {
      const tried = new Set<Instance>();
      const dialNext = (): void => {
        const guest: Guest = { host: set.only ?? set.choose(tried), counted: false, pinned: false, key: undefined };
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
      if (set.only !== undefined) return (await probeHealth(use(createLine(set.only)))).ok;
      const asked = set.all.map(async (instance) => {
        const { ok } = await probeHealth(use(createLine(instance, true)));
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

/** One connection, in use or idle. */
class Line implements Guest {
  host: Instance;
  counted = false;
  /** It has carried a request to its end. */
  used = false;
  readonly pinned: boolean;
  readonly key: string | undefined;
  readonly client: Client;

  constructor(
    host: Instance,
    pinned: boolean,
    key: string | undefined,
    connect: (guest: Guest, done: Connected) => void,
  ) {
    this.host = host;
    this.pinned = pinned;
    this.key = key;
    const { place } = host;
    this.client = new Client(place.kind === 'unix' ? 'http://homeserver' : place.text, {
      connect: (_options: object, done: Connected) =>
        connect(this, (error, socket) => {
          socket?.once('error', renameReset);
          done(error, socket);
        }),
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE,
      keepAliveMaxTimeout: KEEP_ALIVE,
      maxHeaderSize: 64 * 1024,
      // An answer may pause as long as its endpoint's deadline allows; each request says so itself.
      headersTimeout: 0,
      bodyTimeout: 0,
    } as unknown as Client.Options);
    // One that was closed while idle makes way for those that are still open.
    this.client.on('disconnect', () => {
      const { idle } = this.host;
      const at = idle.indexOf(this);
      if (at === -1) return;
      idle.splice(at, 1);
      this.destroy();
    });
  }

  /** Closes it at once. */
  destroy(): void {
    // Rejects only when it was closed before.
    void this.client.destroy().catch(() => {});
  }
}

/**
 * undici takes ECONNRESET for the end of a body that has no length, where RFC 9112 section 8 has the answer incomplete: by
 * another name it is an error to it. Ours is the first listener.
 */
function renameReset(error: NodeJS.ErrnoException): void {
  if (error.code === 'ECONNRESET') error.code = 'UND_ERR_SOCKET';
}

/** One request's time with a connection. */
class Lease implements UpstreamConnection {
  readonly reused: boolean;
  readonly #line: Line;
  readonly #giveBack: (line: Line, how: 'well' | 'badly', trouble?: Trouble) => void;
  readonly #findDoubts: (instance: Instance) => HealthCheck | undefined;
  #held = true;

  constructor(
    line: Line,
    giveBack: (line: Line, how: 'well' | 'badly', trouble?: Trouble) => void,
    findDoubts: (instance: Instance) => HealthCheck | undefined,
  ) {
    this.reused = line.used;
    this.#line = line;
    this.#giveBack = giveBack;
    this.#findDoubts = findDoubts;
  }

  get instance(): Instance {
    return this.#line.host;
  }

  get doubts(): HealthCheck | undefined {
    return this.#findDoubts(this.#line.host);
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    void this.#line.client.dispatch(options, handler);
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#giveBack(this.#line, 'well');
  }

  discard(trouble?: Trouble): void {
    if (!this.#held) return;
    this.#held = false;
    this.#giveBack(this.#line, 'badly', trouble);
  }
}
