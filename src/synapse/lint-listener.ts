import { isIP } from 'node:net';
import type { Finding } from '../base/finding.ts';
import type { HomeserverYaml } from './homeserver-yaml.ts';
import { nameListener, type SynapseListener, serves } from './listener.ts';
import { isEverywhere, isLoopback, type SidecarFacts } from './sidecar-facts.ts';

/** Everything about the listener that the sidecar sends requests to. Pure. */
export function lintListener(yaml: HomeserverYaml, facts: SidecarFacts): Finding[] {
  const { homeserver } = facts;
  const used = findUsed(yaml, facts);
  const where = homeserver.text;
  if (used === undefined) return [noListener(yaml, facts)];
  const { listener, certain } = used;
  const { place } = listener;
  const found: Finding[] = certain ? [] : [noListener(yaml, facts)];
  const name = `the listener on ${nameListener(listener)}`;
  if (listener.tls) {
    found.push({
      id: 'synapse-listener-tls',
      severity: 'error',
      place,
      what: `Synapse expects TLS on ${nameListener(listener)}, and the sidecar speaks plain HTTP to ${where}.`,
      fix: `Turn TLS off on ${name}: the sidecar does it.`,
      lines: ['    tls: false'],
    });
  }
  if (!listener.xForwarded) {
    found.push({
      id: 'synapse-x-forwarded',
      severity: 'warning',
      place,
      what: `Synapse takes the sidecar's address for every client's: x_forwarded is not true on ${nameListener(listener)}.`,
      fix: `Add x_forwarded to ${name}, so that limits and bans hit the right client.`,
      lines: ['    x_forwarded: true'],
    });
  }
  for (const resource of ['client', 'federation'] as const) {
    if (serves(listener, resource)) continue;
    const who = resource === 'client' ? 'Clients' : 'Other servers';
    found.push({
      id: 'synapse-resource-missing',
      severity: 'error',
      place,
      what: `${who} get 404: ${name} does not serve the resource ${resource}.`,
      fix: `Name both resources on ${name}.`,
      lines: ['    resources:', '      - names: [client, federation]'],
    });
  }
  const internal = listener.resources.filter((resource) => resource === 'metrics' || resource === 'replication');
  if (internal.length > 0) {
    found.push({
      id: 'synapse-internal-resource',
      severity: 'info',
      place,
      what: `The listener that the public's requests go to also serves ${internal.join(' and ')}; only the sidecar keeps them in.`,
      fix: `Give ${internal.join(' and ')} a listener of its own on a private address.`,
      lines: internal.flatMap((resource) => [
        `  - port: ${resource === 'metrics' ? 9000 : 9093}`,
        '    type: http',
        '    bind_addresses: [127.0.0.1]',
        '    resources:',
        `      - names: [${resource}]`,
      ]),
    });
  }
  return [...found, ...lintBinding(listener, facts)];
}

interface Used {
  readonly listener: SynapseListener;
  /** False when it is merely the only one that could be meant. */
  readonly certain: boolean;
}

function findUsed({ listeners }: HomeserverYaml, { homeserver }: SidecarFacts): Used | undefined {
  const exact = listeners.find(({ at }) =>
    at.kind === 'tcp'
      ? homeserver.kind === 'tcp' && at.port === homeserver.port
      : homeserver.kind === 'unix' && at.path === homeserver.path,
  );
  if (exact !== undefined) return { listener: exact, certain: true };
  const likely = listeners.filter((one) => serves(one, 'client') || serves(one, 'federation'));
  return likely.length === 1 ? { listener: likely[0]!, certain: false } : undefined;
}

function noListener(yaml: HomeserverYaml, { homeserver }: SidecarFacts): Finding {
  const there = yaml.listeners.filter(({ type }) => type === 'http').map(nameListener);
  const lines =
    homeserver.kind === 'tcp'
      ? [`  - port: ${homeserver.port}`, '    type: http', '    tls: false', '    x_forwarded: true']
      : [`  - path: ${homeserver.path}`, '    type: http'];
  return {
    // A mapped port of a container is the one honest reason.
    id: 'synapse-no-such-listener',
    severity: yaml.listeners.length === 0 ? 'warning' : 'error',
    place: yaml.place(['listeners']),
    what: `The sidecar sends requests to ${homeserver.text}, and Synapse has no listener there (it has ${there.length === 0 ? 'none at all' : there.join(' and ')}).`,
    fix: 'Correct homeserver in the configuration of the sidecar, or give Synapse this listener; with a port mapping between the two, there is nothing to do.',
    lines: ['listeners:', ...lines, '    resources:', '      - names: [client, federation]'],
  };
}

/** Can the sidecar reach the addresses that Synapse listens on, and who else can? */
function lintBinding(listener: SynapseListener, { homeserver }: SidecarFacts): Finding[] {
  const { at, place } = listener;
  if (at.kind !== 'tcp' || homeserver.kind !== 'tcp') return [];
  const everywhere = at.bindAddresses.some(isEverywhere);
  const local = isLoopback(homeserver.host);
  if (everywhere) {
    if (!local) return [];
    return [
      {
        id: 'synapse-listener-open',
        severity: 'warning',
        place,
        what: `Synapse's port ${at.port} listens on every address of this machine: whoever gets past the firewall goes around the sidecar, and may claim any client address.`,
        fix: 'Let Synapse listen for this machine only.',
        lines: ["    bind_addresses: ['::1', 127.0.0.1]"],
      },
    ];
  }
  const bound = at.bindAddresses.join(' and ');
  const onlyLocal = at.bindAddresses.every(isLoopback);
  const reached =
    isIP(homeserver.host) !== 0
      ? at.bindAddresses.some((address) => address.toLowerCase() === homeserver.host.toLowerCase())
      : local
        ? at.bindAddresses.some(isLoopback)
        : !onlyLocal;
  if (reached) return [];
  return [
    {
      id: 'synapse-bind-address',
      severity: 'error',
      place,
      what: `Synapse listens on ${bound} only, where ${homeserver.text} does not lead: in containers, each has a 127.0.0.1 of its own.`,
      fix: local
        ? `Point homeserver of the sidecar at ${bound}, or let Synapse listen on 127.0.0.1 as well.`
        : 'Let Synapse listen on all addresses, and publish no port of it.',
      lines: [local ? `    bind_addresses: ['::1', 127.0.0.1]` : "    bind_addresses: ['::', '0.0.0.0']"],
    },
  ];
}

/** Listeners that are nobody's business outside: metrics, replication, the manhole. Pure. */
export function lintPrivateListeners(yaml: HomeserverYaml, { homeserver }: SidecarFacts): Finding[] {
  const internal = (listener: SynapseListener): string | undefined => {
    if (listener.type === 'metrics' || listener.type === 'manhole') return listener.type;
    const resources = listener.resources.filter((name) => name !== 'health');
    if (resources.length === 0 || !resources.every((name) => name === 'metrics' || name === 'replication')) return;
    return resources.join(' and ');
  };
  return yaml.listeners.flatMap((listener): Finding[] => {
    const what = internal(listener);
    if (what === undefined || listener.at.kind !== 'tcp') return [];
    const open = listener.at.bindAddresses.filter((address) => !isLoopback(address));
    if (open.length === 0) return [];
    // In a container all addresses are private until a port is published; on a machine they are not.
    const onMachine = homeserver.kind === 'tcp' && isLoopback(homeserver.host);
    return [
      {
        id: 'synapse-private-listener-open',
        severity: onMachine ? 'warning' : 'info',
        place: listener.place,
        what: `Synapse's ${what} on port ${listener.at.port} listens on ${open.join(' and ')}, with neither TLS nor password.`,
        fix: onMachine
          ? 'Let it listen for this machine only, or close the port in the firewall.'
          : 'Publish no port for it; on a machine without containers, let it listen on 127.0.0.1.',
        ...(onMachine ? { lines: ['    bind_addresses: [127.0.0.1]'] } : {}),
      },
    ];
  });
}
