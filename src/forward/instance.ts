import { isIP } from 'node:net';
import { formatHostPort, type Upstream } from '../base/address.ts';
import type { ResolvedAddress, Timer } from '../base/system.ts';
import { createHealth, type Health } from './instance-health.ts';

/** Something that one instance gives a place to: a connection, for as long as a request has it. */
export interface Guest {
  /** Changes once at most: when its name turns out to lead elsewhere before it is connected. */
  host: Instance;
  /** Whether it is counted there. */
  counted: boolean;
  /** To this instance or none: it is to be found out how it is. */
  readonly pinned: boolean;
  /** What the instance was chosen by; undefined where the least busy was. */
  readonly key: string | undefined;
}

/** A connection that waits for its next request. */
export interface Idle {
  destroy(): void;
}

/** One instance of an upstream: a place that is configured, or one address of several to which its name leads. */
export class Instance {
  readonly place: Upstream;
  /** Where its name led last; empty before that is known, and for what is no name. */
  addresses: readonly ResolvedAddress[];
  /** Its name leads to others as well, and only the address tells them apart. */
  oneOfName = false;
  health: Health;
  inFlight = 0;
  /** The last is the next to be used. */
  readonly idle: Idle[] = [];
  /** Its name leads there no more. */
  gone = false;
  /** When it is asked how it is. */
  question: Timer | undefined;

  constructor(place: Upstream, addresses: readonly ResolvedAddress[], now: number, late: boolean) {
    this.place = place;
    this.addresses = addresses;
    this.health = createHealth(now, late);
  }

  /** For people. */
  get text(): string {
    return this.oneOfName ? `${this.place.text} (${this.addresses[0]!.address})` : this.place.text;
  }

  /** Where it is, as far as that is known: `10.0.0.2:8008`, or a socket's path. */
  get address(): string | undefined {
    const { place } = this;
    if (place.kind === 'unix') return place.path;
    const found = isIP(place.host) === 0 ? this.addresses.map(({ address }) => address) : [place.host];
    return found.length === 0 ? undefined : found.map((address) => formatHostPort(address, place.port)).join(', ');
  }

  /** After a failure they may lead to a container that is gone. */
  dropIdle(): void {
    for (const connection of this.idle.splice(0)) connection.destroy();
  }
}

/** A place whose address a resolver has to say. */
export type NamedPlace = Upstream & { readonly kind: 'tcp' };

/** Does a resolver have to say where this is? */
export function hasName(place: Upstream): place is NamedPlace {
  return place.kind === 'tcp' && isIP(place.host) === 0;
}
