/** Numbers of RFC 1035, RFC 2136 and RFC 8945 that are used here. */
export const TYPE = Object.freeze({ SOA: 6, TXT: 16, TSIG: 250 });
export const CLASS = Object.freeze({ IN: 1, NONE: 254, ANY: 255 });

const OPCODE_UPDATE = 5;
const HEADER = 12;

/** One resource record as it came. */
export interface ResourceRecord {
  /** Lower case, without the dot at the end. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly data: Buffer;
  /** Where in the message the record begins. */
  readonly start: number;
}

export interface DnsMessage {
  readonly id: number;
  readonly opcode: number;
  readonly rcode: number;
  /** Of all sections, in order. */
  readonly records: readonly ResourceRecord[];
}

/** A name as labels with lengths, lower case, not compressed (RFC 1035 section 3.1). Throws a RangeError if it is none. */
export function encodeName(name: string): Buffer {
  const labels = name.replace(/\.$/, '').split('.');
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label.toLowerCase(), 'latin1');
    if (bytes.length === 0 || bytes.length > 63) throw new RangeError(`${JSON.stringify(name)} is no domain name`);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  const encoded = Buffer.concat([...parts, Buffer.alloc(1)]);
  if (encoded.length > 255) throw new RangeError(`${JSON.stringify(name)} is too long for a domain name`);
  return encoded;
}

/** A TXT record's data: strings of up to 255 bytes (RFC 1035 section 3.3.14). */
export function encodeTxt(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += 255) {
    const part = bytes.subarray(at, at + 255);
    parts.push(Buffer.from([part.length]), part);
  }
  return Buffer.concat(parts);
}

/** What to do to a name in a zone. */
export interface TxtUpdate {
  readonly id: number;
  readonly zone: string;
  readonly name: string;
  readonly value: string;
  /** `add` leaves other values of the name alone, and so does `remove`. */
  readonly action: 'add' | 'remove';
  /** Seconds; of no meaning for `remove`. */
  readonly ttl: number;
}

/** A DNS UPDATE (RFC 2136) for one TXT record, without prerequisites. */
export function encodeUpdate(update: TxtUpdate): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(update.id, 0);
  header.writeUInt16BE(OPCODE_UPDATE << 11, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(1, 8);
  const zone = Buffer.concat([encodeName(update.zone), fields(TYPE.SOA, CLASS.IN)]);
  // Section 2.5.1: class IN adds to the RRset; section 2.5.4: class NONE deletes this very record.
  const adding = update.action === 'add';
  const data = encodeTxt(update.value);
  return Buffer.concat([
    header,
    zone,
    encodeRecord(update.name, TYPE.TXT, adding ? CLASS.IN : CLASS.NONE, adding ? update.ttl : 0, data),
  ]);
}

export function encodeRecord(name: string, type: number, klass: number, ttl: number, data: Buffer): Buffer {
  const tail = Buffer.alloc(6);
  tail.writeUInt32BE(ttl, 0);
  tail.writeUInt16BE(data.length, 4);
  return Buffer.concat([encodeName(name), fields(type, klass), tail, data]);
}

function fields(type: number, klass: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(klass, 2);
  return bytes;
}

/** Reads a message; undefined when it is damaged. Total, and bounded by the message's own length. */
export function parseMessage(bytes: Buffer): DnsMessage | undefined {
  if (bytes.length < HEADER) return undefined;
  const flags = bytes.readUInt16BE(2);
  const count = (at: number): number => bytes.readUInt16BE(at);
  let at = HEADER;
  for (let left = count(4); left > 0; left--) {
    const name = readName(bytes, at);
    if (name === undefined || name.next + 4 > bytes.length) return undefined;
    at = name.next + 4;
  }
  const records: ResourceRecord[] = [];
  for (let left = count(6) + count(8) + count(10); left > 0; left--) {
    const name = readName(bytes, at);
    if (name === undefined || name.next + 10 > bytes.length) return undefined;
    const end = name.next + 10 + bytes.readUInt16BE(name.next + 8);
    if (end > bytes.length) return undefined;
    records.push({
      name: name.value,
      type: bytes.readUInt16BE(name.next),
      class: bytes.readUInt16BE(name.next + 2),
      ttl: bytes.readUInt32BE(name.next + 4),
      data: bytes.subarray(name.next + 10, end),
      start: at,
    });
    at = end;
  }
  return { id: bytes.readUInt16BE(0), opcode: (flags >> 11) & 0x0f, rcode: flags & 0x0f, records };
}

/** A name at `at`, in lower case, with `next` behind it; undefined when it is damaged. Follows compression. */
export function readName(bytes: Buffer, at: number): { value: string; next: number } | undefined {
  const labels: string[] = [];
  let next: number | undefined;
  // Each step takes a label, of which a name has at most 127, or a pointer, which may only lead back.
  for (let length = 0, limit = bytes.length; ; ) {
    const size = bytes[at];
    if (size === undefined || at >= limit) return undefined;
    if (size === 0) return { value: labels.join('.'), next: next ?? at + 1 };
    if (size >= 0xc0) {
      if (at + 2 > bytes.length) return undefined;
      next ??= at + 2;
      limit = at;
      at = bytes.readUInt16BE(at) & 0x3fff;
      continue;
    }
    length += size + 1;
    if (size > 63 || length > 254 || at + 1 + size > bytes.length) return undefined;
    labels.push(bytes.toString('latin1', at + 1, at + 1 + size).toLowerCase());
    at += size + 1;
  }
}
