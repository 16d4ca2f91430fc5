import type { Config } from '../config/config.ts';
import type { Exchange } from '../forward/exchange.ts';
import type { ForwardedFacts } from '../forward/request-headers.ts';
import { type ClientAddress, decideClientAddress } from '../listen/client-address.ts';

/** Who asks, and what the homeserver is told about it. */
export interface RequestFacts {
  readonly client: ClientAddress;
  readonly requestId: string;
  readonly forwarded: ForwardedFacts;
}

/** A request id that a trusted proxy may set: printable, short, nothing that could break a log line. */
const REQUEST_ID = /^[A-Za-z0-9._:/+=-]{1,128}$/;

/** Finds out who asks: the peer, or the one whom a trusted proxy names. */
export function describeRequest(
  exchange: Pick<Exchange, 'facts' | 'headers' | 'authority'>,
  config: Config,
  deps: { nextRequestId(): string },
): RequestFacts {
  const { facts } = exchange;
  const proto = facts.listener === 'http' ? 'http' : 'https';
  const trusted = config.routes.trustedProxies;
  // The usual case costs no look at the headers.
  const claims = trusted.contains(facts.peerAddress) ? readClaims(exchange.headers) : NO_CLAIMS;
  const client = decideClientAddress(facts.peerAddress, claims.forwardedFor, trusted);
  const requestId =
    claims.requestId !== undefined && REQUEST_ID.test(claims.requestId) ? claims.requestId : deps.nextRequestId();
  const host = exchange.authority ?? nameFor(facts.serverName, config);
  return {
    client,
    requestId,
    forwarded: {
      clientAddress: client.address,
      proto: claims.proto === 'http' || claims.proto === 'https' ? claims.proto : proto,
      host,
      forwardedHost: claims.host ?? host,
      requestId,
    },
  };
}

/** The host of a request that names none (HTTP/1.0): the server that SNI routes it to, else the first one. */
function nameFor(sni: string | undefined, { servers }: Config): string {
  const meant = servers.find(({ serverName, delegateTo }) => serverName.host === sni || delegateTo?.host === sni);
  return (meant ?? servers[0]!).serverName.text;
}

interface Claims {
  readonly forwardedFor: string | undefined;
  readonly proto: string | undefined;
  readonly host: string | undefined;
  readonly requestId: string | undefined;
}

const NO_CLAIMS: Claims = { forwardedFor: undefined, proto: undefined, host: undefined, requestId: undefined };

function readClaims(headers: readonly string[]): Claims {
  const forwardedFor: string[] = [];
  let proto: string | undefined;
  let host: string | undefined;
  let requestId: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!.toLowerCase();
    if (name === 'x-forwarded-for') forwardedFor.push(headers[index + 1]!);
    else if (name === 'x-forwarded-proto') proto = headers[index + 1]!.toLowerCase();
    else if (name === 'x-forwarded-host') host = headers[index + 1];
    else if (name === 'x-request-id') requestId = headers[index + 1];
  }
  return { forwardedFor: forwardedFor.length === 0 ? undefined : forwardedFor.join(','), proto, host, requestId };
}
