import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/**
 * A record as a zone file has it: type, then its data. TXT data is one string; CAA data `flags tag value`; SRV data
 * `priority weight port target`. Its owner is the name in the question, if none is given.
 */
export type ZoneRecord = readonly [type: string, data: string, owner?: string];
/** What is said to a question; `silence` for nothing at all, `truncated` for "ask by TCP" on UDP. */
export type DnsAnswer =
  | readonly ZoneRecord[]
  | 'NXDOMAIN'
  | 'SERVFAIL'
  | 'REFUSED'
  | 'silence'
  | 'garbage'
  | 'truncated';

export interface TestDnsServer {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly port: number;
  /** `udp TXT name`, in order. */
  readonly questions: string[];
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, number>> = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28, SRV: 33, CAA: 257 };
/** Bytes of an answer by UDP; a longer one has to be asked for by TCP. */
const LONGEST_DATAGRAM = 1232;
const RCODES = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 } as const;

/** A DNS server on UDP and TCP at one port of 127.0.0.1, which says what `decide` decides. */
export async function startDnsServer(
  decide: (name: string, type: string, over: 'udp' | 'tcp') => DnsAnswer,
): Promise<TestDnsServer> {
  const questions: string[] = [];
  const answer = (message: Buffer, over: 'udp' | 'tcp'): Buffer | undefined => {
    const { name, type, end } = readQuestion(message);
    questions.push(`${over} ${type} ${name}`);
    const says = decide(name, type, over);
    if (says === 'silence') return undefined;
    if (says === 'garbage') return Buffer.concat([message.subarray(0, 2), Buffer.from('8180ffffffff', 'hex')]);
    const bytes = writeAnswer(message.subarray(0, end), says);
    return over === 'udp' && bytes.length > LONGEST_DATAGRAM
      ? writeAnswer(message.subarray(0, end), 'truncated')
      : bytes;
  };
  const tcp = createServer((socket) => serveTcp(socket, (message) => answer(message, 'tcp')));
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4');
  udp.on('message', (message, from) => {
    const bytes = answer(message, 'udp');
    if (bytes !== undefined) udp.send(bytes, from.port, from.address);
  });
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    address: `127.0.0.1:${port}`,
    port,
    questions,
    async close() {
      udp.close();
      tcp.close();
      await once(tcp, 'close');
    },
  };
}

function serveTcp(socket: Socket, answer: (message: Buffer) => Buffer | undefined): void {
  let seen: Buffer = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk]);
    while (seen.length >= 2 && seen.length >= 2 + seen.readUInt16BE(0)) {
      const bytes = answer(seen.subarray(2, 2 + seen.readUInt16BE(0)));
      seen = seen.subarray(2 + seen.readUInt16BE(0));
      if (bytes !== undefined) socket.write(Buffer.concat([number(bytes.length, 2), bytes]));
    }
  });
}

function readQuestion(message: Buffer): { name: string; type: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (; message[at] !== 0; at += 1 + message[at]!)
    labels.push(message.toString('latin1', at + 1, at + 1 + message[at]!));
  const code = message.readUInt16BE(at + 1);
  const type = Object.keys(TYPES).find((name) => TYPES[name] === code) ?? String(code);
  return { name: labels.join('.').toLowerCase(), type, end: at + 5 };
}

function writeAnswer(question: Buffer, says: Exclude<DnsAnswer, 'silence' | 'garbage'>): Buffer {
  const records = Array.isArray(says) ? (says as readonly ZoneRecord[]) : [];
  const rcode = typeof says === 'string' && says !== 'truncated' ? RCODES[says as keyof typeof RCODES] : 0;
  const header = Buffer.concat([
    question.subarray(0, 2),
    number(0x8580 | rcode | (says === 'truncated' ? 0x0200 : 0), 2),
    number(1, 2),
    number(records.length, 2),
    number(0, 4),
  ]);
  const body = records.map(([type, data, owner]) => {
    const bytes = writeData(type, data);
    return Buffer.concat([
      // The name in the question is at offset 12.
      owner === undefined ? number(0xc00c, 2) : writeName(owner),
      number(TYPES[type]!, 2),
      number(1, 2),
      number(60, 4),
      number(bytes.length, 2),
      bytes,
    ]);
  });
  return Buffer.concat([header, question.subarray(12), ...body]);
}

function writeData(type: string, data: string): Buffer {
  const words = data.split(' ');
  switch (type) {
    case 'A':
      return Buffer.from(data.split('.').map(Number));
    case 'AAAA':
      return writeIpv6(data);
    case 'SRV':
      return Buffer.concat([...words.slice(0, 3).map((word) => number(Number(word), 2)), writeName(words[3]!)]);
    case 'NS':
    case 'CNAME':
      return writeName(data);
    case 'SOA':
      return Buffer.concat([
        writeName(words[0]!),
        writeName(words[1]!),
        ...words.slice(2).map((word) => number(Number(word), 4)),
      ]);
    case 'CAA':
      return Buffer.concat([
        Buffer.from([Number(words[0]), words[1]!.length]),
        Buffer.from(words[1]! + words.slice(2).join(' ')),
      ]);
    default: {
      const parts = data.match(/.{1,255}/gs) ?? [''];
      return Buffer.concat(parts.flatMap((part) => [Buffer.from([part.length]), Buffer.from(part)]));
    }
  }
}

function writeIpv6(address: string): Buffer {
  const [left = [], right] = address.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const missing = right === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(missing).fill('0'), ...(right ?? [])];
  return Buffer.concat(groups.map((group) => number(Number.parseInt(group, 16), 2)));
}

/** Also with a dot at the end; the root is `.` or nothing. */
function writeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]),
    Buffer.alloc(1),
  ]);
}

function number(value: number, width: number): Buffer {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntBE(value, 0, width);
  return bytes;
}
