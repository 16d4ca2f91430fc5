import { formatHostPort } from '../base/address.ts';
import type { DelegationAdvice, Step } from './advice.ts';
import type { AdvisedServer } from './advised-server.ts';
import type { FederationWay } from './list-ways.ts';

export interface VerdictFacts {
  readonly server: AdvisedServer;
  readonly delegation: DelegationAdvice;
  readonly ways: readonly FederationWay[];
  readonly todo: readonly Step[];
}

/** One line on how other servers come here, and how much is to be done for it. */
export function writeVerdict(facts: VerdictFacts): string {
  const { todo } = facts;
  const left =
    todo.length === 0 ? 'Nothing to do.' : todo.length === 1 ? 'One thing to do.' : `${todo.length} things to do.`;
  return `${describeWay(facts)} ${left}`;
}

function describeWay({ server, delegation, ways }: VerdictFacts): string {
  const { serverName, apex } = server;
  const [way] = ways;
  const place = formatHostPort(way!.host, way!.port);
  const { host } = serverName;
  if (delegation.method === 'none' && delegation.needed) {
    const problem = apex === 'here' ? 'where nothing listens' : 'and clients to the web server that has the apex';
    return `nobody is sent to this sidecar: other servers go to ${place}, ${problem}.`;
  }
  switch (way!.by) {
    case 'address':
      return `no delegation. Other servers go straight to ${place}, with a certificate for that address.`;
    case 'port':
      return `no delegation. Other servers go straight to ${place}.`;
    case 'default':
      return `no delegation needed. Other servers go to ${place}, which is this sidecar.`;
    case 'srv':
      return `other servers go to ${place}, by SRV records of ${host} and with a certificate for ${host}.`;
    case 'well-known': {
      const teller = apex === 'here' ? 'this sidecar tells them' : `the web server of https://${host} has to tell them`;
      const also = ways.length > 1 ? ', and by SRV where that fails' : '';
      return `other servers go to ${place}: ${teller} (well-known)${also}.`;
    }
  }
}
