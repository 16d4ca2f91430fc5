import type { AdvisedServer, Deployment } from './advised-server.ts';
import { isOpen } from './decide-delegation.ts';
import type { FederationWay } from './list-ways.ts';

/** A port that has to be reachable from outside. */
export interface NeededPort {
  readonly port: number;
  readonly why: string;
  /** The port here that it has to be mapped to; undefined where it is the same, or the system chooses it. */
  readonly mappedTo: number | undefined;
}

export interface PortFacts {
  readonly server: AdvisedServer;
  readonly ways: readonly FederationWay[];
  readonly baseUrl: string | undefined;
  readonly ports: Deployment['ports'];
  /** Whether a challenge that asks port 80 is in use. */
  readonly usesHttp01: boolean;
}

const HTTPS = 443;
const HTTP = 80;

/** Which ports have to reach the sidecar, and what each is for. In the order 443, others, 80. */
export function decidePorts({ server, ways, baseUrl, ports, usesHttp01 }: PortFacts): readonly NeededPort[] {
  const uses = new Map<number, string[]>();
  const use = (port: number, what: string): void => void uses.set(port, [...(uses.get(port) ?? []), what]);
  if (baseUrl !== undefined && URL.canParse(baseUrl)) use(Number(new URL(baseUrl).port || HTTPS), 'clients');
  for (const port of new Set(ways.map((way) => way.port))) use(port, 'other servers');
  if (server.apex === 'here') use(HTTPS, 'the well-known documents');
  if (usesHttp01) use(HTTP, 'http-01 of the CA');
  return [...uses]
    .map(([port, whats]) => ({ port, why: whats.join(', '), mappedTo: findMapping(port, ports) }))
    .sort((a, b) => rank(a.port) - rank(b.port));
}

function rank(port: number): number {
  return port === HTTPS ? 0 : port === HTTP ? 100_000 : port;
}

function findMapping(port: number, ports: Deployment['ports']): number | undefined {
  if (port === HTTP) return ports.http.includes(HTTP) ? undefined : ports.http[0] || undefined;
  if (isOpen(port, ports)) return undefined;
  const own = port === HTTPS ? [ports.https, ports.federation] : [ports.federation, ports.https];
  return own.flat()[0] || undefined;
}
