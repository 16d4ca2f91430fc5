import { createHmac, timingSafeEqual } from 'node:crypto';
import { CLASS, encodeName, encodeRecord, parseMessage, readName, TYPE } from './dns-message.ts';

/** A key shared with a name server (RFC 8945). */
export interface TsigKey {
  /** As the server calls it. */
  readonly name: string;
  readonly algorithm: 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';
  readonly secret: Buffer;
}

/** Seconds that the two clocks may differ: what RFC 8945 section 10 recommends. */
const FUDGE = 300;

/** A signed message, and the signature that the answer's builds upon. */
export interface SignedMessage {
  readonly message: Buffer;
  readonly mac: Buffer;
}

/** Signs a message that has no TSIG record yet. `now` in milliseconds since the epoch. */
export function signMessage(message: Buffer, key: TsigKey, now: number): SignedMessage {
  const time = encodeTime(now);
  const mac = computeMac(key, [message, variables(key, time, FUDGE, 0, Buffer.alloc(0))]);
  const numbers = Buffer.alloc(6);
  message.copy(numbers, 0, 0, 2);
  const data = Buffer.concat([encodeName(key.algorithm), time, uint16(FUDGE), uint16(mac.length), mac, numbers]);
  const signed = Buffer.concat([message, encodeRecord(key.name, TYPE.TSIG, CLASS.ANY, 0, data)]);
  signed.writeUInt16BE(message.readUInt16BE(10) + 1, 10);
  return { message: signed, mac };
}

/**
 * What the signature of an answer is worth: `good`, or `bad` with the reason; `error` is the TSIG error of RFC 8945
 * section 3 that the server reports (0 is none), which is to be believed only when the signature is good.
 */
export interface AnswerSignature {
  readonly good: boolean;
  readonly why: string;
  readonly error: number;
  /** The server's clock, milliseconds since the epoch, where it says that ours is wrong. */
  readonly serverTime?: number;
}

/** Verifies the answer to a request that was signed with `requestMac` (RFC 8945 section 5.3). */
export function verifyAnswer(answer: Buffer, key: TsigKey, requestMac: Buffer, now: number): AnswerSignature {
  const bad = (why: string, error = 0): AnswerSignature => ({ good: false, why, error });
  const record = parseMessage(answer)?.records.at(-1);
  if (record === undefined || record.type !== TYPE.TSIG || record.class !== CLASS.ANY) return bad('it is not signed');
  // What RFC 8945 section 4.2 fixes, and the signature therefore does not cover.
  const tsig = record.ttl === 0 ? parseTsig(record.data) : undefined;
  if (tsig === undefined) return bad('its signature is damaged');
  if (record.name !== key.name.replace(/\.$/, '').toLowerCase() || tsig.algorithm !== key.algorithm)
    return bad('it is signed with another key', tsig.error);
  const unsigned = Buffer.from(answer.subarray(0, record.start));
  unsigned.writeUInt16BE(answer.readUInt16BE(10) - 1, 10);
  tsig.originalId.copy(unsigned, 0);
  const mac = computeMac(key, [
    uint16(requestMac.length),
    requestMac,
    unsigned,
    variables(key, tsig.time, tsig.fudge, tsig.error, tsig.other),
  ]);
  // Shortened signatures (section 5.2.2.1) are allowed, and not asked for: none is accepted.
  if (mac.length !== tsig.mac.length || !timingSafeEqual(mac, tsig.mac))
    return bad('its signature is wrong', tsig.error);
  if (tsig.error === 18 && tsig.other.length === 6)
    return { good: true, why: 'signed', error: tsig.error, serverTime: tsig.other.readUIntBE(0, 6) * 1000 };
  const skew = Math.abs(now / 1000 - tsig.time.readUIntBE(0, 6));
  if (skew > tsig.fudge)
    return bad(`its signature is ${Math.round(skew)} seconds off this machine's clock`, tsig.error);
  return { good: true, why: 'signed', error: tsig.error };
}

interface Tsig {
  readonly algorithm: string;
  /** 48 bits. */
  readonly time: Buffer;
  readonly fudge: number;
  readonly mac: Buffer;
  readonly originalId: Buffer;
  readonly error: number;
  readonly other: Buffer;
}

function parseTsig(data: Buffer): Tsig | undefined {
  const algorithm = readName(data, 0);
  if (algorithm === undefined || data.length < algorithm.next + 10) return undefined;
  const at = algorithm.next;
  const afterMac = at + 10 + data.readUInt16BE(at + 8);
  if (data.length < afterMac + 6 || data.length !== afterMac + 6 + data.readUInt16BE(afterMac + 4)) return undefined;
  return {
    algorithm: algorithm.value,
    time: data.subarray(at, at + 6),
    fudge: data.readUInt16BE(at + 6),
    mac: data.subarray(at + 10, afterMac),
    originalId: data.subarray(afterMac, afterMac + 2),
    error: data.readUInt16BE(afterMac + 2),
    other: data.subarray(afterMac + 6),
  };
}

/** RFC 8945 section 4.3.3. */
function variables(key: TsigKey, time: Buffer, fudge: number, error: number, other: Buffer): Buffer {
  return Buffer.concat([
    encodeName(key.name),
    uint16(CLASS.ANY),
    Buffer.alloc(4),
    encodeName(key.algorithm),
    time,
    uint16(fudge),
    uint16(error),
    uint16(other.length),
    other,
  ]);
}

function computeMac(key: TsigKey, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(key.algorithm.slice('hmac-'.length), key.secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

function encodeTime(now: number): Buffer {
  const time = Buffer.alloc(6);
  time.writeUIntBE(Math.floor(now / 1000), 0, 6);
  return time;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
