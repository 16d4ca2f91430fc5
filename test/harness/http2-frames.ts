import { connect, type TLSSocket } from 'node:tls';
import { strangerAddress } from './loopback.ts';
import type { TestSidecar } from './sidecar.ts';

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const FLAG = { endStream: 0x1, ack: 0x1, endHeaders: 0x4 } as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A frame's bytes (RFC 9113 section 4.1). */
export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** A header block of literals, never indexed, never Huffman coded (RFC 7541 section 6.2.2): any bytes can be said. */
export function headerBlock(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

/** HEADERS with everything in it, END_HEADERS set. */
export function headersFrame(stream: number, fields: readonly (readonly [string, string])[], endStream = true): Buffer {
  return frame(FRAME.headers, FLAG.endHeaders | (endStream ? FLAG.endStream : 0), stream, headerBlock(fields));
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const length: number[] = [];
  if (bytes.length < 127) length.push(bytes.length);
  else {
    length.push(127);
    let left = bytes.length - 127;
    for (; left >= 128; left >>>= 7) length.push((left & 127) | 128);
    length.push(left);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

const STATIC_STATUS = [200, 204, 206, 304, 400, 404, 500];

/**
 * The status in a response's header block, which starts with it. Good for the first answer on a connection, before
 * the sidecar's dynamic table has entries.
 */
export function readStatus(block: Buffer): number {
  const first = block[0]!;
  if (first >= 0x88 && first <= 0x8e) return STATIC_STATUS[first - 0x88]!;
  if ((first & 0x3f) !== 8 && (first & 0x0f) !== 8) throw new Error(`no status in ${block.toString('hex')}`);
  const length = block[1]! & 0x7f;
  const bytes = block.subarray(2, 2 + length);
  if ((block[1]! & 0x80) === 0) return Number(bytes.toString('latin1'));
  // Huffman: of the digits, 0 to 2 have five bits and 3 to 9 have six (RFC 7541 appendix B).
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let digits = '';
  for (let at = 0; digits.length < 3; ) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2);
    if (five <= 2) {
      digits += five;
      at += 5;
    } else {
      digits += Number.parseInt(bits.slice(at, at + 6), 2) - 0x19 + 3;
      at += 6;
    }
  }
  return Number(digits);
}

/** An HTTP/2 connection on which any bytes can be sent. */
export interface RawHttp2 {
  readonly socket: TLSSocket;
  readonly received: readonly Frame[];
  readonly closed: () => boolean;
  send(...frames: readonly Buffer[]): void;
  close(): void;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Connects, and sends the preface with `settings` (pairs of identifier and value). */
export function openRawHttp2(
  sidecar: TestSidecar,
  settings: readonly (readonly [number, number])[] = [],
): Promise<RawHttp2> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...{ host: '127.0.0.1', port: sidecar.https, localAddress: strangerAddress() },
      servername: 'localhost',
      ca: sidecar.ca,
      ALPNProtocols: ['h2'],
    });
    const received: Frame[] = [];
    let closed = false;
    let open: Buffer = Buffer.alloc(0);
    socket.once('error', reject);
    socket.on('error', () => {});
    socket.once('close', () => {
      closed = true;
    });
    socket.on('data', (chunk: Buffer) => {
      open = Buffer.concat([open, chunk]);
      while (open.length >= 9 && open.length >= 9 + open.readUIntBE(0, 3)) {
        const end = 9 + open.readUIntBE(0, 3);
        const stream = open.readUInt32BE(5) & 0x7fffffff;
        received.push({ type: open[3]!, flags: open[4]!, stream, payload: Buffer.from(open.subarray(9, end)) });
        open = open.subarray(end);
      }
    });
    socket.once('secureConnect', () => {
      const payload = Buffer.concat(
        settings.map(([id, value]) => {
          const pair = Buffer.alloc(6);
          pair.writeUInt16BE(id, 0);
          pair.writeUInt32BE(value, 2);
          return pair;
        }),
      );
      socket.write(Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0, payload)]));
      resolve({
        socket,
        received,
        closed: () => closed,
        send: (...frames) => void socket.write(Buffer.concat(frames)),
        close: () => socket.destroy(),
      });
    });
  });
}

/** What became of a stream: its answer's status, a reset, or the end of the connection; undefined while open. */
export function fateOf(connection: RawHttp2, stream: number): string | undefined {
  for (const { type, flags, stream: on, payload } of connection.received) {
    if (on === stream && type === FRAME.headers && (flags & FLAG.endHeaders) !== 0) {
      const status = readStatus(payload);
      if (status >= 200) return String(status);
    }
    if (on === stream && type === FRAME.reset) return 'reset';
    if (type === FRAME.goaway && payload.readUInt32BE(4) !== 0) return 'goaway';
  }
  return connection.closed() ? 'closed' : undefined;
}
