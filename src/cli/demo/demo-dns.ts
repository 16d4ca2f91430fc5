import { createSocket, type Socket } from 'node:dgram';
import { encodeName, readName } from '../../acme/solvers/dns-message.ts';
import { errorCode } from '../../base/errors.ts';

/** What the demo's DNS knows: addresses and services (RFC 2782). Names in lower case, without a dot at the end. */
export type DemoRecord =
  | { readonly name: string; readonly type: 'A'; readonly address: string }
  | {
      readonly name: string;
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    };

export interface DemoDns {
  /** `127.0.0.1:18053` */
  readonly text: string;
  /** Any number of times. */
  close(): Promise<void>;
}

export interface DemoDnsSlice {
  /** The names that it answers for, with all below them; to others it says REFUSED. */
  readonly zones: readonly string[];
  readonly records: readonly DemoRecord[];
}

const LOOPBACK = '127.0.0.1';
/** Unprivileged; another where it is taken. */
const WANTED_PORT = 18053;
const TYPES: Readonly<Record<DemoRecord['type'], number>> = { A: 1, SRV: 33 };
const ANY = 255;
const HEADER = 12;
/** RFC 1035 section 4.1.1. */
const RCODE = { none: 0, notImplemented: 4, noSuchName: 3, refused: 5 } as const;
const RESPONSE = 0x8400; // QR and AA
const RECURSION_DESIRED = 0x0100;
/** Seconds. */
const TTL = 60;

/**
 * A DNS server on 127.0.0.1 that knows nothing but the demo. By UDP only: none of its answers is too long for that.
 * Rejects with the system's error when it cannot listen.
 */
export async function startDemoDns(slice: DemoDnsSlice): Promise<DemoDns> {
  const socket = await bind(WANTED_PORT).catch((error: unknown) => {
    if (errorCode(error) !== 'EADDRINUSE' && errorCode(error) !== 'EACCES') throw error;
    return bind(0);
  });
  // A datagram that could not be sent is one that got lost: who asked asks again.
  socket.on('error', () => undefined);
  socket.on('message', (message, from) => {
    const answer = answerQuestion(message, slice);
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  });
  let closing: Promise<void> | undefined;
  return {
    text: `${LOOPBACK}:${socket.address().port}`,
    close: () => (closing ??= new Promise((resolve) => socket.close(() => resolve()))),
  };
}

/** The answer to a message of anybody's; undefined for what is no question. Never throws. */
export function answerQuestion(message: Buffer, { zones, records }: DemoDnsSlice): Buffer | undefined {
  if (message.length < HEADER) return undefined;
  const flags = message.readUInt16BE(2);
  // An answer to an answer could go round for ever.
  if ((flags & 0x8000) !== 0 || message.readUInt16BE(4) !== 1) return undefined;
  const question = readName(message, HEADER);
  if (question === undefined || question.next + 4 > message.length) return undefined;
  const { value: name, next } = question;
  const type = message.readUInt16BE(next);
  const respond = (rcode: number, found: readonly DemoRecord[] = []): Buffer => {
    const header = Buffer.alloc(HEADER);
    header.writeUInt16BE(message.readUInt16BE(0), 0);
    header.writeUInt16BE(RESPONSE | (flags & RECURSION_DESIRED) | rcode, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(found.length, 6);
    return Buffer.concat([header, message.subarray(HEADER, next + 4), ...found.map(encodeAnswer)]);
  };
  if (((flags >> 11) & 0x0f) !== 0) return respond(RCODE.notImplemented);
  if (!zones.some((zone) => name === zone || name.endsWith(`.${zone}`))) return respond(RCODE.refused);
  // `_tcp.three.test` has no records, but exists because of those below it (RFC 8020).
  if (!records.some((record) => record.name === name || record.name.endsWith(`.${name}`)))
    return respond(RCODE.noSuchName);
  const asked = records.filter((record) => record.name === name && (type === ANY || TYPES[record.type] === type));
  return respond(RCODE.none, asked);
}

function encodeAnswer(record: DemoRecord): Buffer {
  const data = encodeData(record);
  const fields = Buffer.alloc(12);
  // The name stands in the question (RFC 1035 section 4.1.4).
  fields.writeUInt16BE(0xc000 | HEADER, 0);
  fields.writeUInt16BE(TYPES[record.type], 2);
  fields.writeUInt16BE(1, 4);
  fields.writeUInt32BE(TTL, 6);
  fields.writeUInt16BE(data.length, 10);
  return Buffer.concat([fields, data]);
}

function encodeData(record: DemoRecord): Buffer {
  if (record.type === 'A') return Buffer.from(record.address.split('.').map(Number));
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16BE(record.priority, 0);
  numbers.writeUInt16BE(record.weight, 2);
  numbers.writeUInt16BE(record.port, 4);
  return Buffer.concat([numbers, encodeName(record.target)]);
}

function bind(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const fail = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    socket.bind({ port, address: LOOPBACK }, () => {
      socket.off('error', fail);
      resolve(socket);
    });
  });
}
