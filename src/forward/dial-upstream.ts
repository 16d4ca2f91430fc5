import type { Socket } from 'node:net';
import { formatHostPort, type Upstream } from '../base/address.ts';
import { SidecarError } from '../base/errors.ts';
import type { ResolvedAddress, System } from '../base/system.ts';

/** To a homeserver beside us. Name resolution and every address together. Milliseconds. */
const CONNECT_TIMEOUT = 10_000;
/** For each address where somebody else may serve as well, or where nobody knows whether that is still the place. */
const QUICK_TIMEOUT = 2_500;

/** What a name leads to, for one connection. */
export interface Whereto {
  /** At least one; each is tried until one answers. */
  readonly addresses: readonly ResolvedAddress[];
  /** Not to wait long for. */
  readonly quick: boolean;
}

/**
 * Opens one connection and calls `done` once. `resolve` says where a name leads, at the moment of connecting; without it
 * the place is an address or a socket file, and `quick` says whether to wait long for it.
 */
export function dialUpstream(
  upstream: Upstream,
  how: { readonly resolve: () => Promise<Whereto> } | { readonly quick: boolean },
  system: System,
  done: (error: Error | null, socket: Socket | null) => void,
): void {
  let where = upstream.text;
  let timer = 'quick' in how && how.quick ? limit(QUICK_TIMEOUT) : limit(CONNECT_TIMEOUT);

  function limit(ms: number) {
    return system.setTimer(ms, () => {
      const message = `no connection to ${where} within ${ms / 1000} s`;
      socket.destroy(new SidecarError(message, { code: 'upstream-connect-timeout', blame: 'upstream' }));
    });
  }

  async function resolve(find: () => Promise<Whereto>): Promise<readonly ResolvedAddress[]> {
    const { addresses, quick } = await find();
    if (upstream.kind === 'tcp')
      where = `${upstream.text} (${addresses.map(({ address }) => formatHostPort(address, upstream.port)).join(', ')})`;
    if (quick && open) {
      timer.cancel();
      timer = limit(QUICK_TIMEOUT * addresses.length);
    }
    return addresses;
  }

  const settle = (error: Error | null): void => {
    open = false;
    timer.cancel();
    socket.off('error', settle);
    socket.off('connect', connected);
    done(error, error === null ? socket : null);
  };
  const connected = (): void => settle(null);
  let open = true;
  const socket = system.dial(upstream, 'resolve' in how ? () => resolve(how.resolve) : undefined);
  socket.once('error', settle);
  socket.once('connect', connected);
}
