import { connect, createServer } from 'node:net';

/** A TCP relay to a port, which can be cut. */
export interface Relay {
  readonly port: number;
  /** Connections at the moment. */
  count(): number;
  /** Resets every connection. */
  cut(): void;
  /** From now on nothing passes in either direction, and nobody is told; new connections are accepted. */
  freeze(): void;
  /**
   * From now on what clients say is held back, also when they have gone meanwhile. The result lets it pass: as on a
   * network that was cut for a while.
   */
  hold(): () => void;
  /** From now on what the server says takes so many milliseconds longer. */
  delayAnswers(ms: number): void;
  close(): Promise<void>;
}

/** `onData` sees what clients send before it passes; when it returns false, the connection is cut instead. */
export async function startRelay(target: number, onData: (chunk: Buffer) => boolean = () => true): Promise<Relay> {
  const pairs = new Set<{ destroy(): void }>();
  let frozen = false;
  let held: (() => void)[] | undefined;
  let delay = 0;
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    const pair = {
      destroy() {
        pairs.delete(pair);
        client.resetAndDestroy();
        upstream.destroy();
      },
    };
    pairs.add(pair);
    client.on('data', (chunk: Buffer) => {
      if (frozen) return;
      if (held !== undefined) return void held.push(() => upstream.write(chunk));
      if (onData(chunk)) upstream.write(chunk);
      else pair.destroy();
    });
    upstream.on('data', (chunk) => {
      if (!frozen) setTimeout(() => client.writable && client.write(chunk), delay);
    });
    for (const socket of [client, upstream]) {
      socket.on('error', () => held ?? pair.destroy());
      socket.on('close', () => {
        if (!frozen && held === undefined) pair.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = (): void => {
    for (const pair of [...pairs]) pair.destroy();
  };
  return {
    port: address.port,
    count: () => pairs.size,
    cut,
    freeze() {
      frozen = true;
    },
    hold() {
      const letGo: (() => void)[] = [];
      held = letGo;
      return () => {
        held = undefined;
        for (const pass of letGo) pass();
      };
    },
    delayAnswers(ms) {
      delay = ms;
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
