import { join } from 'node:path';
import { formatHostPort, type Upstream } from '../../base/address.ts';
import type { TlsRoute } from './tls-request.ts';

/** One server as it is to be started: each is found by its peers in another way. */
export interface DemoPlan {
  /** Names its configuration file. */
  readonly name: string;
  readonly serverName: string;
  readonly way: string;
  readonly federation: TlsRoute;
  readonly client: TlsRoute;
  readonly httpsPort: number;
  /** Where the stand-in homeserver listens. */
  readonly homeserver: Upstream;
  /** The sidecar's configuration, once the homeserver's address is known. */
  writeConfig(homeserver: Upstream): string;
}

const LOOPBACK = '127.0.0.1';

/** The https and federation port of each server in turn: unprivileged, and below the range of outgoing connections. */
export const WANTED_PORTS: readonly number[] = [18443, 18448, 28443, 28448, 30443, 30448];

/** Plans the three servers for ports as `WANTED_PORTS` has them; the demo keeps its files in `folder`. */
export function planDemo(ports: readonly number[], folder: string): readonly DemoPlan[] {
  const [oneHttps, oneFederation, twoHttps, twoFederation, threeHttps, threeFederation] = ports as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const anyPort: Upstream = { kind: 'tcp', host: LOOPBACK, port: 0, text: `http://${LOOPBACK}:0` };
  const socket = join(folder, 'three.sock');
  const delegate = 'matrix.two.localhost';
  return [
    {
      name: 'one',
      serverName: `one.localhost:${oneFederation}`,
      way: 'found directly: the port stands in its name, so nothing is looked up',
      federation: route(oneFederation, 'one.localhost', `one.localhost:${oneFederation}`),
      client: route(oneHttps, 'one.localhost', `one.localhost:${oneHttps}`),
      httpsPort: oneHttps,
      homeserver: anyPort,
      writeConfig: writeConfig({ serverName: `one.localhost:${oneFederation}`, ports: [oneHttps, oneFederation] }),
    },
    {
      name: 'two',
      serverName: 'two.localhost',
      way: `found by delegation: its well-known document sends others to ${delegate}:${twoHttps}`,
      federation: route(twoHttps, delegate, `${delegate}:${twoHttps}`),
      client: route(twoHttps, delegate, `${delegate}:${twoHttps}`),
      httpsPort: twoHttps,
      homeserver: anyPort,
      writeConfig: writeConfig({
        serverName: 'two.localhost',
        delegateTo: `${delegate}:${twoHttps}`,
        ports: [twoHttps, twoFederation],
      }),
    },
    {
      name: 'three',
      serverName: formatHostPort(LOOPBACK, threeFederation),
      way: 'found by its address: no name at all, a certificate for the address, and no SNI',
      federation: route(threeFederation, undefined, formatHostPort(LOOPBACK, threeFederation)),
      client: route(threeHttps, undefined, formatHostPort(LOOPBACK, threeHttps)),
      httpsPort: threeHttps,
      homeserver: { kind: 'unix', path: socket, text: `unix:${socket}` },
      writeConfig: writeConfig({
        serverName: formatHostPort(LOOPBACK, threeFederation),
        ports: [threeHttps, threeFederation],
      }),
    },
  ];
}

function route(port: number, sni: string | undefined, hostHeader: string): TlsRoute {
  return { host: LOOPBACK, port, sni, hostHeader };
}

interface Facts {
  readonly serverName: string;
  readonly delegateTo?: string;
  readonly ports: readonly [https: number, federation: number];
}

function writeConfig({ serverName, delegateTo, ports: [https, federation] }: Facts): (homeserver: Upstream) => string {
  return (homeserver) =>
    [
      'servers:',
      `  - server_name: ${JSON.stringify(serverName)}`,
      `    homeserver: ${JSON.stringify(homeserver.text)}`,
      ...(delegateTo === undefined ? [] : [`    delegate_to: ${JSON.stringify(delegateTo)}`]),
      'listen:',
      `  https: ${formatHostPort(LOOPBACK, https)}`,
      `  federation: ${formatHostPort(LOOPBACK, federation)}`,
      '  http: off',
      '  admin: off',
      'certificates: local',
      'store: store',
      'log: { level: silent }',
      '',
    ].join('\n');
}
