import type { AddressInfo, Server } from 'node:net';
import { type BindAddress, formatHostPort } from '../base/address.ts';
import { describeError, errorCode, SidecarError } from '../base/errors.ts';

/** How many connections the kernel may hold ready for us; more than Node's 511 for bursts after a restart. */
const BACKLOG = 4096;
const NO_IPV6: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

/**
 * Starts listening. Resolves with the address in force (port 0 becomes the port that the system chose).
 * @throws SidecarError `listen-port-in-use`, `listen-forbidden`, `listen-no-such-address`, `listen-failed`
 */
export function bind(
  server: Server,
  address: BindAddress,
  key: string,
  onLater: (error: Error) => void,
): Promise<BindAddress> {
  return new Promise((resolve, reject) => {
    const listen = (host: string): void =>
      void server.listen({ host, port: address.port, backlog: BACKLOG, ipv6Only: false });
    const fail = (error: unknown): void => {
      // A kernel without IPv6 has no `::`; what was asked for is every address that there is.
      if (address.host === '::' && NO_IPV6.has(errorCode(error) ?? '')) {
        server.once('error', (second) => reject(explainBindError(second, address, key)));
        return listen('0.0.0.0');
      }
      reject(explainBindError(error, address, key));
    };
    server.once('error', fail);
    server.once('listening', () => {
      server.removeAllListeners('error');
      // Such as EMFILE on accept: one connection is lost, the listener goes on.
      server.on('error', onLater);
      const { port } = server.address() as AddressInfo;
      resolve({ host: address.host, port, text: formatHostPort(address.host, port) });
    });
    listen(address.host);
  });
}

function explainBindError(error: unknown, address: BindAddress, key: string): SidecarError {
  const fields = { blame: 'operator' as const, cause: error };
  const where = `${address.text} (${key})`;
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new SidecarError(`Port ${address.port} is taken: cannot listen on ${where}.`, {
        ...fields,
        code: 'listen-port-in-use',
        hint: `Find who has it with "ss -ltnp sport = :${address.port}" and stop that, or set ${key} to another port.`,
      });
    case 'EACCES':
      return new SidecarError(`Not allowed to listen on ${where}: ports below 1024 need a privilege.`, {
        ...fields,
        code: 'listen-forbidden',
        hint: `Give it CAP_NET_BIND_SERVICE (compose: cap_add: [NET_BIND_SERVICE]; systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or set ${key} to a port from 1024 on and forward to it.`,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new SidecarError(`This machine has no address ${address.host}: cannot listen on ${where}.`, {
        ...fields,
        code: 'listen-no-such-address',
        hint: `See "ip address" for those it has; a port alone in ${key} listens on all of them.`,
      });
    default:
      return new SidecarError(`Cannot listen on ${where}: ${describeError(error)}.`, {
        ...fields,
        code: 'listen-failed',
        hint: `Check ${key}.`,
      });
  }
}
