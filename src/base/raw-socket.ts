import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * The TCP connection below a server-side TLS socket, or a plain socket itself. Node keeps it in a field that its
 * types do not name; undefined when the peer left in this very moment.
 */
export function rawSocketOf(socket: TLSSocket | Socket): Socket | undefined {
  return 'encrypted' in socket ? (socket as { readonly _parent?: Socket })._parent : socket;
}
