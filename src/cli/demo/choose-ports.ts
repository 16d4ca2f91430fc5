import { type AddressInfo, createServer, type Server } from 'node:net';
import { errorCode } from '../../base/errors.ts';

/**
 * Returns ports of 127.0.0.1 that are free now: each the wanted one, or another where that is taken or forbidden.
 * All are held until all are chosen, so that no port comes twice. Rejects with the system's error if none is free.
 */
export async function choosePorts(wanted: readonly number[]): Promise<readonly number[]> {
  const held: Server[] = [];
  try {
    for (const port of wanted) held.push(await hold(port));
    return held.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

async function hold(port: number): Promise<Server> {
  try {
    return await listenOn(port);
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    return listenOn(0);
  }
}

function listenOn(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve(server));
  });
}
