import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';

/** The first bytes that a real TLS client sends with these options. */
export async function recordHello(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ...options });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [import('node:net').Socket];
  socket.on('error', () => undefined);
  const [first] = (await once(socket, 'data')) as [Buffer];
  let bytes = first;
  while (bytes.length < 5 + bytes.readUInt16BE(3)) bytes = Buffer.concat([bytes, (await once(socket, 'data'))[0]]);
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

/** The same hello in records of at most `size` bytes, as RFC 8446 section 5.1 allows. */
export function splitRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const fragment = message.subarray(at, at + size);
    parts.push(Buffer.from([22, 3, 1, fragment.length >> 8, fragment.length & 0xff]), fragment);
  }
  return Buffer.concat(parts);
}
