import { parseServerName, type ServerName } from '../matrix/server-name.ts';
import type { AdvisedServer } from './advised-server.ts';

/** One way on which other servers come, by the steps of "Resolving server names" in the server-server API. */
export interface FederationWay {
  /** The step that decides: `1`, `2`, `3.1` to `3.5`, `4` or `6`. */
  readonly step: '1' | '2' | '3.1' | '3.2' | '3.5' | '4' | '6';
  readonly by: 'address' | 'port' | 'well-known' | 'srv' | 'default';
  /** Where they connect: a host name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Which name (or address) the certificate has to be for. */
  readonly certificateName: string;
  /** The value of the Host header. */
  readonly hostHeader: string;
}

/** Where federation is when nothing says otherwise. */
export const FEDERATION_PORT = 8448;

/**
 * The ways that a configuration means, in the order in which other servers try them. `published` is the value of
 * `m.server` in the server document, undefined where there is none.
 */
export function listWays(server: AdvisedServer, published: string | undefined): readonly FederationWay[] {
  const { serverName, delegateTo, delegateBy } = server;
  const { host } = serverName;
  if (serverName.kind !== 'dns') return [direct('1', 'address', serverName, host)];
  if (serverName.port !== undefined) return [direct('2', 'port', serverName, host)];
  const ways: FederationWay[] = [];
  const target = published === undefined ? undefined : parseServerName(published);
  if (target?.ok === true) ways.push(viaWellKnown(target.value));
  if (delegateTo !== undefined && delegateBy !== 'well-known') {
    const port = delegateTo.port ?? FEDERATION_PORT;
    ways.push({
      step: '4',
      by: 'srv',
      host: delegateTo.host,
      port,
      certificateName: host,
      hostHeader: serverName.text,
    });
  }
  return ways.length > 0 ? ways : [direct('6', 'default', serverName, host)];
}

function viaWellKnown(target: ServerName): FederationWay {
  if (target.kind !== 'dns') return direct('3.1', 'well-known', target, target.host);
  return direct(target.port === undefined ? '3.5' : '3.2', 'well-known', target, target.host);
}

/** Straight to a name, with the certificate and the Host header of that name. */
function direct(
  step: FederationWay['step'],
  by: FederationWay['by'],
  name: ServerName,
  certificateName: string,
): FederationWay {
  return { step, by, host: name.host, port: name.port ?? FEDERATION_PORT, certificateName, hostHeader: name.text };
}
