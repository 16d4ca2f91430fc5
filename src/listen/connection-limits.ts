import type { ConnectionFacts } from '../base/connection.ts';
import { networkOf } from '../base/network-of.ts';

/** Numbers of connections, asked for each time so that a reload changes them. */
export interface ConnectionLimitsSlice {
  /** Open at once. */
  total(): number;
  /** Open at once without a request under way: in a handshake, or between two requests. */
  idle(): number;
  /** Open at once from one client network. */
  perClient(): number;
  /** Whether an address is a proxy's, behind which there are many clients: it is not counted as one. */
  isProxy(address: string): boolean;
}

/** Which limit turned a connection away: there are too many and none is idle, or too many from its network. */
export type ConnectionLimit = 'total' | 'client';

/** Why idle connections were closed: there were too many idle ones, too many in all, or no descriptor was left. */
export type ShedReason = 'idle' | 'total' | 'descriptors';

export interface ConnectionLimitsDeps {
  onRefused(limit: ConnectionLimit, network: string | undefined): void;
  /** An idle connection was closed to make room. */
  onShed(why: ShedReason): void;
}

/** What is counted: it closes itself when it is told to, and says when it is closed. */
export interface Countable {
  destroy(): void;
  once(event: 'close', listener: () => void): unknown;
}

/** One connection's place among the others. Given back by itself when the connection closes. */
export interface Seat {
  /** Who the client is becomes known. False: its network has too many, and the connection is closed. Called once. */
  identify(address: string): boolean;
  /** It is ready for requests, which will know it by these facts. */
  settle(facts: ConnectionFacts): void;
}

export interface ConnectionLimitsStatus {
  readonly open: number;
  readonly idle: number;
}

/** How many connections there may be, and which go when there are too many. */
export interface ConnectionLimits {
  /** A connection was accepted. Undefined: there is no room for it, and it is closed. */
  enter(connection: Countable): Seat | undefined;
  /** A request begins on a connection that has settled; the result ends it. Others are not counted. */
  begin(facts: ConnectionFacts): () => void;
  /** Closes up to `count` connections that have been idle longest. */
  shed(count: number): void;
  readonly status: ConnectionLimitsStatus;
}

interface Network {
  readonly name: string;
  open: number;
  readonly idle: Set<Place>;
}

interface Place {
  readonly connection: Countable;
  network: Network | undefined;
  /** Requests under way. */
  running: number;
  closed: boolean;
}

const NOTHING = (): void => {};

/** Idle connections that a network may have without being looked at: a household, or another server, has fewer. */
const FAIR_SHARE = 32;

/**
 * Counts the connections of all public listeners together. A newcomer is seldom refused: where there are too many, the
 * one that has been idle longest makes room, and where the newcomer's own network has many, and more than others have on average, one of its own. So whoever opens many connections loses theirs, and everyone else a keep-alive at worst.
 */
export function createConnectionLimits(slice: ConnectionLimitsSlice, deps: ConnectionLimitsDeps): ConnectionLimits {
  const networks = new Map<string, Network>();
  /** All that are idle, the longest first. */
  const idle = new Set<Place>();
  const byFacts = new WeakMap<ConnectionFacts, Place>();
  let open = 0;
  /** Networks with an idle connection. */
  let idlers = 0;

  function rest(place: Place): void {
    idle.add(place);
    const { network } = place;
    if (network === undefined) return;
    if (network.idle.size === 0) idlers++;
    network.idle.add(place);
  }

  function rouse(place: Place): void {
    if (!idle.delete(place) || place.network === undefined) return;
    place.network.idle.delete(place);
    if (place.network.idle.size === 0) idlers--;
  }

  function leave(place: Place): void {
    if (place.closed) return;
    place.closed = true;
    open--;
    rouse(place);
    const { network } = place;
    if (network === undefined) return;
    network.open--;
    if (network.open === 0) networks.delete(network.name);
  }

  function close(place: Place): void {
    leave(place);
    place.connection.destroy();
  }

  /** Closes the one that can best be spared; undefined where all have something to do. */
  function makeRoom(network?: Network): Place | undefined {
    const fair = Math.max(FAIR_SHARE, idle.size / Math.max(1, idlers));
    const crowded = network !== undefined && network.idle.size > fair;
    const [victim] = crowded ? network.idle : idle;
    if (victim !== undefined) close(victim);
    return victim;
  }

  function networkFor(name: string): Network {
    const known = networks.get(name);
    if (known !== undefined) return known;
    const network = { name, open: 0, idle: new Set<Place>() };
    networks.set(name, network);
    return network;
  }

  function identify(place: Place, address: string): boolean {
    if (place.closed) return false;
    let network: Network | undefined;
    if (!slice.isProxy(address)) {
      network = networkFor(networkOf(address));
      if (network.open >= slice.perClient()) return refuse(place, 'client', network.name);
      rouse(place);
      place.network = network;
      network.open++;
      rest(place);
    }
    if (idle.size <= slice.idle() && open <= slice.total()) return true;
    // Only now is it known at whose cost. The newcomer is the last in every order.
    const why = open > slice.total() ? 'total' : 'idle';
    if (makeRoom(network) === place) return refuse(place, 'total', network?.name);
    deps.onShed(why);
    return true;
  }

  function refuse(place: Place, limit: ConnectionLimit, network?: string): false {
    close(place);
    deps.onRefused(limit, network);
    return false;
  }

  return {
    enter(connection) {
      const place: Place = { connection, network: undefined, running: 0, closed: false };
      open++;
      connection.once('close', () => leave(place));
      // One more than there may be is let in until it is known who it is.
      if (open > slice.total() + 1) {
        if (makeRoom() === undefined) return void refuse(place, 'total');
        deps.onShed('total');
      }
      rest(place);
      return {
        identify: (address) => identify(place, address),
        settle(facts) {
          byFacts.set(facts, place);
          // To the end of the order: it has come further than those that only knock.
          if (place.closed) return;
          rouse(place);
          rest(place);
        },
      };
    },
    begin(facts) {
      const place = byFacts.get(facts);
      if (place === undefined || place.closed) return NOTHING;
      if (place.running++ === 0) rouse(place);
      let under = true;
      return () => {
        if (!under) return;
        under = false;
        if (--place.running > 0 || place.closed) return;
        rest(place);
        if (idle.size <= slice.idle()) return;
        makeRoom(place.network);
        deps.onShed('idle');
      };
    },
    shed(count) {
      for (let left = count; left > 0 && makeRoom() !== undefined; left--) deps.onShed('descriptors');
    },
    get status() {
      return { open, idle: idle.size };
    },
  };
}
