import type { DelegationAdvice } from './advice.ts';
import type { AdvisedServer, Deployment } from './advised-server.ts';
import { FEDERATION_PORT, type FederationWay } from './list-ways.ts';

export interface DelegationFacts {
  readonly server: AdvisedServer;
  readonly ports: Deployment['ports'];
  /** `m.server` as it is published; undefined where it is not. */
  readonly published: string | undefined;
  readonly ways: readonly FederationWay[];
}

interface Reasoned {
  readonly needed: boolean;
  readonly why: string;
}

/** The questions of the federation guide, "When do I need a SRV record or .well-known URI?", answered for one server. */
export function decideDelegation(facts: DelegationFacts): DelegationAdvice {
  const { server, published } = facts;
  const method = server.delegateTo === undefined ? 'none' : server.delegateBy;
  // What was merged over the documents delegates as well.
  const real = method === 'none' && published !== undefined ? 'well-known' : method;
  const need = decideNeed(facts);
  return { ...need, method: real, whyMethod: judgeMethod(facts, need.needed), remarks: listRemarks(facts) };
}

function decideNeed({ server, ports, ways }: DelegationFacts): Reasoned {
  const { serverName, delegateTo, apex } = server;
  const name = serverName.text;
  const yes = (why: string): Reasoned => ({ needed: true, why });
  const no = (why: string): Reasoned => ({ needed: false, why });
  const direct = `${serverName.host}:${FEDERATION_PORT}`;
  const open = isOpen(FEDERATION_PORT, ports);
  // Outside of a container, 8448 may be mapped to whatever the federation listener has.
  const mapped = open ? undefined : ports.federation[0];
  const [way] = ways;
  if (way?.by === 'address')
    return no(
      `${name} is an IP address: other servers go straight to its port ${way.port} and look for no delegation.`,
    );
  if (way?.by === 'port')
    return no(`${name} has a port: other servers go straight there, and look neither for well-known nor for SRV.`);
  if (apex === 'elsewhere') {
    if (delegateTo === undefined)
      return yes(
        `Without it other servers go to ${direct}, and apex: elsewhere says that ${serverName.host} leads to another web server.`,
      );
    return yes(
      `${serverName.host} leads to another web server, so other servers have to be told to come to ${delegateTo.host}.`,
    );
  }
  if (delegateTo === undefined) {
    const look = `Other servers look at ${direct} by themselves, and`;
    if (open) return no(`${look} this sidecar listens on ${FEDERATION_PORT}.`);
    if (mapped !== undefined) return no(`${look} that port can be mapped to ${mapped}, where this sidecar listens.`);
    return yes(`${look} this sidecar does not listen for them.`);
  }
  if (delegateTo.host === serverName.host && (delegateTo.port ?? FEDERATION_PORT) === FEDERATION_PORT)
    return no(`It leads to ${direct}, where other servers go by themselves.`);
  if (!open && mapped === undefined)
    return yes(`Other servers would look at ${direct} otherwise, where this sidecar does not listen.`);
  return no(
    `${serverName.host} leads here, and this sidecar listens for other servers on ${mapped ?? FEDERATION_PORT} as well, so they would find it by themselves; telling them does no harm, and lets the homeserver move later.`,
  );
}

/** Which of the two methods fits, by what each asks of whom. */
function judgeMethod({ server, published }: DelegationFacts, needed: boolean): string {
  const { serverName, delegateTo, delegateBy, apex } = server;
  const apexUrl = `https://${serverName.host}`;
  if (delegateTo === undefined) {
    if (published !== undefined)
      return `Nothing is delegated by delegate_to, but well_known.server sends other servers to ${published}.`;
    if (serverName.kind !== 'dns' || serverName.port !== undefined) return 'No method would have any effect.';
    if (needed)
      return 'By well-known, which is what delegate_to alone means, it takes no more than that one line here.';
    return 'Neither a well-known document nor an SRV record is there; one that said the same would do no harm.';
  }
  if (delegateBy === 'well-known') {
    return apex === 'here'
      ? `well-known fits: this sidecar answers ${apexUrl} itself, so there is nothing for anybody else to publish.`
      : `well-known fits: the web server of ${apexUrl} publishes small files, and nobody here needs a certificate for ${serverName.host}.`;
  }
  if (delegateBy === 'srv') {
    return apex === 'here'
      ? `srv works, but well-known would be simpler: this sidecar answers ${apexUrl} itself (delegate_by: well-known), and no SRV records would be needed.`
      : `srv fits where nothing can be put onto ${apexUrl}: it takes DNS records only. Its price is a certificate for ${serverName.host} itself. Where files can be put there, well-known is simpler (delegate_by: well-known).`;
  }
  return `both: other servers ask well-known first, and go by SRV only where that gives nothing, such as while ${apexUrl} is down.`;
}

function listRemarks({ server, published }: DelegationFacts): readonly string[] {
  const { serverName, delegateTo, delegateBy, apex } = server;
  const remarks: string[] = [];
  if (delegateTo === undefined) return remarks;
  if (delegateBy === 'well-known')
    remarks.push(
      'No SRV record is needed: every server since Synapse 0.99 (February 2019) reads well-known first. Leave one that exists until you know nobody older.',
    );
  else {
    remarks.push(
      `By SRV, other servers check the certificate for ${serverName.host}, never for the SRV target; Synapse before 0.99 checks none.`,
    );
    if (delegateBy === 'srv' && apex === 'elsewhere')
      remarks.push(
        `Servers are served by SRV, clients are not: without https://${serverName.host}/.well-known/matrix/client, people type in the homeserver's address.`,
      );
  }
  if (published === delegateTo.text && delegateTo.kind === 'dns' && delegateTo.port === undefined)
    remarks.push(
      `${delegateTo.text} has no port, so other servers look for SRV records of that name and then go to its port ${FEDERATION_PORT}. With a port they go straight there.`,
    );
  return remarks;
}

/** Whether a listener for TLS has that port. One on a port of the system's choice (0) has none that is known. */
export function isOpen(port: number, { https, federation }: Deployment['ports']): boolean {
  return https.includes(port) || federation.includes(port);
}
