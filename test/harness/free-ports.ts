import { createServer } from 'node:net';

const given = new Set<number>();

/**
 * Ports of 127.0.0.1 that were free a moment ago, each once. They are below those that outgoing connections take: from
 * 32,768 with Linux's defaults, and from 16,000 in some sandboxes.
 */
export async function findFreePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count) {
    const port = 10_000 + Math.floor(Math.random() * 5_900);
    if (given.has(port)) continue;
    given.add(port);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) found.push(port);
  }
  return found;
}
