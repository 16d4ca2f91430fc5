import { join } from 'node:path';
import { formatHostPort, type Upstream } from '../../base/address.ts';
import type { ConnectTo } from '../../discovery/connect-to.ts';
import type { Step } from '../../discovery/resolution.ts';
import type { DemoPlaces } from './choose-places.ts';
import type { DemoRecord } from './demo-dns.ts';
import type { TlsRoute } from './tls-request.ts';

/** One server as it is to be started: each is found by its peers in another way. */
export interface DemoPlan {
  /** Names its configuration file. */
  readonly name: string;
  readonly serverName: string;
  /** How other servers find it, for a person. */
  readonly way: string;
  /** The step of the specification that decides. */
  readonly step: Step;
  /** How a peer reaches it, as the specification has it. */
  readonly federation: TlsRoute;
  /** How a client reaches it. */
  readonly client: TlsRoute;
  /** `https://SERVER_NAME/`, where the well-known documents are looked for. */
  readonly web: TlsRoute;
  /** What the DNS has to say about it. */
  readonly records: readonly DemoRecord[];
  /** Ports that others are sent to, and what stands for each. */
  readonly ports: readonly PortStandIn[];
  /** Where the stand-in homeserver listens. */
  readonly homeserver: Upstream;
  /** The sidecar's configuration, once the homeserver's address is known. */
  writeConfig(homeserver: Upstream): string;
}

/** Whoever is sent to port `meant` of `host` has to go to `port`. The same where the real port could be had. */
export interface PortStandIn {
  readonly host: string;
  readonly meant: number;
  readonly port: number;
}

/** Plans the three servers; the demo keeps its files in `folder`. */
export function planDemo(places: DemoPlaces, folder: string): readonly DemoPlan[] {
  const { addresses, https, federation, service } = places;
  const anyPort: Upstream = { kind: 'tcp', host: '127.0.0.1', port: 0, text: 'http://127.0.0.1:0' };
  const socket = join(folder, 'three.sock');
  const [one, two, three] = ['one.test', 'two.test', 'three.test'] as const;
  const [twoHost, threeHost] = [`matrix.${two}`, `matrix.${three}`];
  const srv = { type: 'SRV', priority: 10, weight: 5, port: service, target: threeHost } as const;
  return [
    {
      name: 'one',
      serverName: one,
      way: 'found by its own name: nothing says otherwise, so it is port 8448',
      step: '6',
      federation: route(addresses[0], federation, one, one),
      client: route(addresses[0], https[0], one, one),
      web: route(addresses[0], https[0], one, one),
      records: [{ name: one, type: 'A', address: addresses[0] }],
      ports: [
        { host: one, meant: 443, port: https[0] },
        { host: one, meant: 8448, port: federation },
      ],
      homeserver: anyPort,
      writeConfig: writeConfig({
        serverName: one,
        https: formatHostPort(addresses[0], https[0]),
        federation: formatHostPort(addresses[0], federation),
      }),
    },
    {
      name: 'two',
      serverName: two,
      way: `found by a document: https://${two}/.well-known/matrix/server says ${twoHost}:443`,
      step: '3.2',
      federation: route(addresses[1], https[1], twoHost, `${twoHost}:443`),
      client: route(addresses[1], https[1], twoHost, twoHost),
      web: route(addresses[1], https[1], two, two),
      records: [
        { name: two, type: 'A', address: addresses[1] },
        { name: twoHost, type: 'A', address: addresses[1] },
      ],
      ports: [
        { host: two, meant: 443, port: https[1] },
        { host: twoHost, meant: 443, port: https[1] },
      ],
      homeserver: anyPort,
      writeConfig: writeConfig({
        serverName: two,
        delegation: [`delegate_to: ${twoHost}:443`],
        https: formatHostPort(addresses[1], https[1]),
        federation: 'off',
      }),
    },
    {
      name: 'three',
      serverName: three,
      way: `found by DNS: the SRV record _matrix-fed._tcp.${three} says ${threeHost}:${service}`,
      step: '4',
      federation: route(addresses[2], service, three, three),
      client: route(addresses[2], https[2], threeHost, threeHost),
      web: route(addresses[2], https[2], three, three),
      records: [
        { name: three, type: 'A', address: addresses[2] },
        { name: threeHost, type: 'A', address: addresses[2] },
        { name: `_matrix-fed._tcp.${three}`, ...srv },
        // The name that servers know which are older than version 1.8 of the specification.
        { name: `_matrix._tcp.${three}`, ...srv },
      ],
      ports: [
        { host: three, meant: 443, port: https[2] },
        { host: threeHost, meant: 443, port: https[2] },
      ],
      homeserver: { kind: 'unix', path: socket, text: `unix:${socket}` },
      writeConfig: writeConfig({
        serverName: three,
        delegation: [`delegate_to: ${threeHost}:${service}`, 'delegate_by: srv'],
        https: formatHostPort(addresses[2], https[2]),
        federation: formatHostPort(addresses[2], service),
      }),
    },
  ];
}

/**
 * What whoever looks for the servers from outside has to be told about ports that could not be had, as curl's and our
 * `--connect-to`: one rule for a port where the same port stands for it everywhere.
 */
export function listConnectTo(plans: readonly Pick<DemoPlan, 'ports'>[]): readonly ConnectTo[] {
  const all = plans.flatMap(({ ports }) => ports);
  const meant = [...new Set(all.map((each) => each.meant))];
  return meant.flatMap((fromPort): readonly ConnectTo[] => {
    const those = all.filter((each) => each.meant === fromPort);
    const rule = ({ port }: PortStandIn): ConnectTo => {
      return { fromHost: undefined, fromPort, toHost: undefined, toPort: port };
    };
    if (those.every(({ port }) => port === those[0]!.port)) return those[0]!.port === fromPort ? [] : [rule(those[0]!)];
    return those.filter(({ port }) => port !== fromPort).map((each) => ({ ...rule(each), fromHost: each.host }));
  });
}

function route(host: string, port: number, sni: string, hostHeader: string): TlsRoute {
  return { host, port, sni, hostHeader };
}

interface Facts {
  readonly serverName: string;
  readonly delegation?: readonly string[];
  readonly https: string;
  readonly federation: string;
}

function writeConfig({ serverName, delegation = [], https, federation }: Facts): (homeserver: Upstream) => string {
  return (homeserver) =>
    [
      'servers:',
      `  - server_name: ${JSON.stringify(serverName)}`,
      `    homeserver: ${JSON.stringify(homeserver.text)}`,
      ...delegation.map((line) => `    ${line}`),
      'listen:',
      `  https: ${https}`,
      `  federation: ${federation}`,
      '  http: off',
      '  admin: off',
      'certificates: local',
      'store: store',
      // One of the checks stops a homeserver to see what its clients are told then.
      'limits: { hold: 0s }',
      'log: { level: silent }',
      '',
    ].join('\n');
}
