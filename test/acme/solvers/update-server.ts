import { createHmac } from 'node:crypto';
import { encodeName, parseMessage } from '../../../src/acme/solvers/dns-message.ts';
import type { TsigKey } from '../../../src/acme/solvers/tsig.ts';
import type { DnsExchange } from '../../../src/base/dns-exchange.ts';

/** What a scripted name server answers to an update. */
export interface UpdateAnswer {
  readonly rcode: number;
  /** A TSIG error in it, signed or not as RFC 8945 section 5.2 has it. */
  readonly tsigError?: number;
  /** Milliseconds since the epoch. */
  readonly clock: number;
  /** The key that it signs with; none for an unsigned answer. */
  readonly key?: TsigKey;
}

/** An exchange with a name server that answers as told; what it was sent is kept. */
export function scriptExchange(answer: () => UpdateAnswer): {
  readonly exchange: DnsExchange;
  readonly sent: Buffer[];
} {
  const sent: Buffer[] = [];
  return {
    sent,
    async exchange(message) {
      sent.push(message);
      return writeAnswer(message, answer());
    },
  };
}

function writeAnswer(request: Buffer, { rcode, tsigError = 0, clock, key }: UpdateAnswer): Buffer {
  const tsig = parseMessage(request)!.records.at(-1)!;
  const zoneEnd = 12 + encodeNameLength(request, 12) + 4;
  const head = Buffer.concat([request.subarray(0, 2), uint(0xa800 | rcode, 2), uint(1, 2), uint(0, 6)]);
  const body = Buffer.concat([head, request.subarray(12, zoneEnd)]);
  const algorithm = encodeName(key?.algorithm ?? 'hmac-sha256');
  const time = uint(Math.floor(clock / 1000), 6);
  const other = tsigError === 18 ? time : Buffer.alloc(0);
  let mac: Buffer = Buffer.alloc(0);
  if (key !== undefined) {
    const requestMac = macOf(tsig.data);
    const stamp = tsigError === 18 ? tsig.data.subarray(algorithm.length, algorithm.length + 6) : time;
    const parts = [
      uint(requestMac.length, 2),
      requestMac,
      body,
      encodeName(key.name),
      uint(255, 2),
      uint(0, 4),
      algorithm,
      stamp,
      uint(300, 2),
      uint(tsigError, 2),
      uint(other.length, 2),
      other,
    ];
    mac = createHmac(key.algorithm.slice(5), key.secret).update(Buffer.concat(parts)).digest();
  }
  if (key === undefined && tsigError === 0) return body;
  const stamp = tsigError === 18 ? tsig.data.subarray(algorithm.length, algorithm.length + 6) : time;
  const data = Buffer.concat([
    algorithm,
    stamp,
    uint(300, 2),
    uint(mac.length, 2),
    mac,
    request.subarray(0, 2),
    uint(tsigError, 2),
    uint(other.length, 2),
    other,
  ]);
  const record = Buffer.concat([
    encodeName(key?.name ?? tsig.name),
    uint(250, 2),
    uint(255, 2),
    uint(0, 4),
    uint(data.length, 2),
    data,
  ]);
  const answer = Buffer.concat([body, record]);
  answer.writeUInt16BE(1, 10);
  return answer;
}

function encodeNameLength(bytes: Buffer, at: number): number {
  let length = 1;
  while (bytes[at + length - 1] !== 0) length += bytes[at + length - 1]! + 1;
  return length;
}

function macOf(data: Buffer): Buffer {
  const at = encodeNameLength(data, 0) + 8;
  return data.subarray(at + 2, at + 2 + data.readUInt16BE(at));
}

function uint(value: number, width: number): Buffer {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntBE(value, 0, width);
  return bytes;
}
