import { isIPv6 } from 'node:net';
import { parsePort } from '../base/address.ts';
import { bad, good, type Parsed } from '../base/parsed.ts';

/** One `--connect-to`, as curl has it: who means the one is connected to the other. Undefined where nothing is written. */
export interface ConnectTo {
  /** Lower case, without brackets; undefined for any host. */
  readonly fromHost: string | undefined;
  /** Undefined for any port. */
  readonly fromPort: number | undefined;
  /** Undefined for the host that was meant. */
  readonly toHost: string | undefined;
  /** Undefined for the port that was meant. */
  readonly toPort: number | undefined;
}

const FORM = /^(\[[^\]]*\]|[^:[\]]*):([^:[\]]*):(\[[^\]]*\]|[^:[\]]*):([^:[\]]*)$/;
const HOST = /^[A-Za-z0-9._-]{1,255}$/;

/** Reads `HOST1:PORT1:HOST2:PORT2`, each of which may be empty; IPv6 addresses in brackets. */
export function parseConnectTo(text: string): Parsed<ConnectTo> {
  const match = FORM.exec(text);
  if (match === null) {
    return bad(`${shown(text)} is not HOST1:PORT1:HOST2:PORT2, as in example.com:443:127.0.0.1:8443`);
  }
  const [, host1 = '', port1 = '', host2 = '', port2 = ''] = match;
  const hosts = [host1, host2].map(readHost);
  const at = hosts.indexOf(null);
  if (at !== -1) return bad(`${shown(text)}: HOST${at + 1} is neither a host name nor an address (IPv6 in brackets)`);
  const ports = [port1, port2].map((port) => (port === '' ? undefined : parsePort(port) || null));
  const wrong = ports.indexOf(null);
  if (wrong !== -1) return bad(`${shown(text)}: PORT${wrong + 1} is no port; ports go from 1 to 65535`);
  const [fromHost, toHost] = hosts as (string | undefined)[];
  const [fromPort, toPort] = ports as (number | undefined)[];
  return good({ fromHost, fromPort, toHost, toPort });
}

/** Where to go for this host and port: the first mapping that fits decides, as in curl. */
export function applyConnectTo(
  mappings: readonly ConnectTo[],
  host: string,
  port: number,
): { readonly host: string; readonly port: number } {
  const meant = host.toLowerCase();
  const mapping = mappings.find(
    ({ fromHost, fromPort }) => (fromHost ?? meant) === meant && (fromPort ?? port) === port,
  );
  return { host: mapping?.toHost ?? host, port: mapping?.toPort ?? port };
}

/** Null for what is no host. */
function readHost(text: string): string | undefined | null {
  if (text === '') return undefined;
  if (text.startsWith('[')) {
    const address = text.slice(1, -1);
    return isIPv6(address) && !address.includes('%') ? address.toLowerCase() : null;
  }
  return HOST.test(text) ? text.toLowerCase() : null;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
