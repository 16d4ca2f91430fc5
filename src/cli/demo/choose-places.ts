import { type AddressInfo, createServer, type Server } from 'node:net';
import { errorCode } from '../../base/errors.ts';

/** Where the three servers listen on this machine. */
export interface DemoPlaces {
  /** One for each server; three times the same where the machine has no other loopback address. */
  readonly addresses: readonly [string, string, string];
  /** What stands for port 443 at each: itself where this user may have it. */
  readonly https: readonly [number, number, number];
  /** What stands for port 8448 at the first. */
  readonly federation: number;
  /** Where the third has its federation; any port will do, since its SRV record names it. */
  readonly service: number;
}

/** Linux has all of 127.0.0.0/8; other systems have 127.0.0.1 alone. */
const ADDRESSES = ['127.0.0.2', '127.0.0.3', '127.0.0.4'] as const;
const ONLY = '127.0.0.1';
/** Unprivileged, and below the range of outgoing connections. */
const HTTPS = [443, 18443, 28443, 30443];
const FEDERATION = [8448, 18448, 28448, 30448];
const SERVICE = [8443, 18444, 28444, 30444];
/** A port that the system gives at one address may be taken at another. */
const ATTEMPTS = 20;

/**
 * Chooses places that are free now, the real ports first. All are held until all are chosen, so that none comes twice.
 * Rejects with the system's error when there is none.
 */
export async function choosePlaces(wanted: DemoPlaces['addresses'] = ADDRESSES): Promise<DemoPlaces> {
  const held: Server[] = [];
  const choose = async (addresses: readonly string[], ports: readonly number[]): Promise<number> => {
    const servers = await holdOne(addresses, ports);
    held.push(...servers);
    return (servers[0]!.address() as AddressInfo).port;
  };
  try {
    const apart = await areOurs(wanted);
    const addresses = apart ? wanted : ([ONLY, ONLY, ONLY] as const);
    const first = await choose(apart ? wanted : [ONLY], HTTPS);
    const https = apart
      ? ([first, first, first] as const)
      : ([first, await choose([ONLY], HTTPS), await choose([ONLY], HTTPS)] as const);
    const federation = await choose([addresses[0]], FEDERATION);
    return { addresses, https, federation, service: await choose([addresses[2]], SERVICE) };
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

async function areOurs(addresses: readonly string[]): Promise<boolean> {
  for (const address of addresses) {
    try {
      const server = await listenOn(address, 0);
      await new Promise((resolve) => server.close(resolve));
    } catch {
      return false;
    }
  }
  return true;
}

/** Holds one port at all the addresses: the first of `ports` that can be had, or any. */
async function holdOne(addresses: readonly string[], ports: readonly number[]): Promise<readonly Server[]> {
  let last: unknown;
  for (const port of [...ports, ...Array<number>(ATTEMPTS).fill(0)]) {
    const held: Server[] = [];
    try {
      for (const address of addresses) {
        const same = held[0] === undefined ? port : (held[0].address() as AddressInfo).port;
        held.push(await listenOn(address, same));
      }
      return held;
    } catch (error) {
      last = error;
      await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
      if (errorCode(error) !== 'EADDRINUSE' && errorCode(error) !== 'EACCES') throw error;
    }
  }
  throw last;
}

function listenOn(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}
