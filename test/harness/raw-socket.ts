import { connect, type TLSSocket } from 'node:tls';
import type { TestSidecar } from './sidecar.ts';
import { until } from './until.ts';

/** A TLS connection under the test's control: for what no HTTP client would send, and for what it keeps from us. */
export interface RawSocket {
  readonly socket: TLSSocket;
  write(bytes: string | Buffer): void;
  /** Everything that came so far, a char a byte. */
  text(): string;
  isClosed(): boolean;
  /** Waits for bytes that match; returns all that came so far. */
  untilText(pattern: RegExp): Promise<string>;
  untilClosed(): Promise<string>;
}

export function openRaw(sidecar: TestSidecar): RawSocket {
  const socket = connect({
    host: '127.0.0.1',
    port: sidecar.https,
    servername: 'localhost',
    ca: sidecar.ca,
    ALPNProtocols: ['http/1.1'],
  });
  let text = '';
  let closed = false;
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.once('close', () => {
    closed = true;
  });
  return {
    socket,
    write: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    text: () => text,
    isClosed: () => closed,
    async untilText(pattern) {
      await until(`${pattern} in ${JSON.stringify(text.slice(0, 500))}`, () => pattern.test(text));
      return text;
    },
    async untilClosed() {
      await until('the connection to close', () => closed);
      return text;
    },
  };
}
