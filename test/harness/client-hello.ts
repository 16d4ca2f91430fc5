import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';

/** The first flight of a real TLS client, byte for byte, for tests that send a part of it or change some of it. */
export async function captureClientHello(options: ConnectionOptions = {}): Promise<Buffer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await new Promise((resolve, reject) => {
      server.once('connection', (socket) => {
        socket.on('error', () => {});
        let seen: Buffer = Buffer.alloc(0);
        socket.on('data', (chunk: Buffer) => {
          seen = Buffer.concat([seen, chunk]);
          // One record: type, version, length, then that many bytes.
          if (seen.length < 5 || seen.length < 5 + seen.readUInt16BE(3)) return;
          client.destroy();
          socket.destroy();
          resolve(seen);
        });
      });
      const { port } = server.address() as AddressInfo;
      const client = connect({ host: '127.0.0.1', port, servername: 'a.test', ...options });
      client.on('error', reject);
    });
  } finally {
    server.close();
  }
}

/** The same bytes with every occurrence of one text in place of another of the same length. */
export function patch(bytes: Buffer, from: string, to: string): Buffer {
  const text = bytes.toString('latin1');
  if (from.length !== to.length || !text.includes(from)) throw new Error('the patch does not fit');
  return Buffer.from(
    text.replaceAll(from, () => to),
    'latin1',
  );
}
