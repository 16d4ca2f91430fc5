import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { formatHostPort } from './address.ts';
import { SidecarError } from './errors.ts';
import type { System, Timer } from './system.ts';

export interface DnsServer {
  /** An address, not a name. */
  readonly address: string;
  readonly port: number;
}

/** Sends a DNS message of ours as it is, and gives the answer to it as it came. */
export type DnsExchange = (message: Buffer, server: DnsServer, signal: AbortSignal) => Promise<Buffer>;

/** RFC 1035 section 4.2.1: what every server takes in one datagram. */
const LONGEST_DATAGRAM = 512;
/** Milliseconds for each datagram, and for the whole of a TCP exchange. */
const DATAGRAM_PATIENCE = 2_000;
const DATAGRAMS = 2;
const STREAM_PATIENCE = 10_000;
const TRUNCATED = 0x02;

/**
 * UDP first; TCP (RFC 7766) when the message is too long for it, its answer was, or none came. Rejects with a
 * SidecarError, code `dns-failed`, or with the signal's reason.
 */
export function createDnsExchange(deps: { readonly system: System }): DnsExchange {
  const { system } = deps;
  return async (message, server, signal) => {
    if (message.length <= LONGEST_DATAGRAM) {
      const answer = await overUdp(message, server, signal, system);
      if (answer !== undefined && (answer[2]! & TRUNCATED) === 0) return answer;
    }
    return overTcp(message, server, signal, system);
  };
}

/** An answer has the message's id, and says that it is one. */
function answers(message: Buffer, answer: Buffer): boolean {
  return answer.length >= 12 && answer.readUInt16BE(0) === message.readUInt16BE(0) && (answer[2]! & 0x80) !== 0;
}

/** The answer, or undefined when none came. */
function overUdp(message: Buffer, server: DnsServer, signal: AbortSignal, system: System): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const socket = createSocket(isIP(server.address) === 6 ? 'udp6' : 'udp4');
    let sent = 0;
    let timer: Timer | undefined;
    const finish = (settle: () => void): void => {
      timer?.cancel();
      signal.removeEventListener('abort', stop);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.close();
      settle();
    };
    const stop = (): void => finish(() => reject(signal.reason as Error));
    const send = (): void => {
      if (sent === DATAGRAMS) return finish(() => resolve(undefined));
      sent++;
      timer = system.setTimer(DATAGRAM_PATIENCE, send);
      socket.send(message);
    };
    signal.addEventListener('abort', stop, { once: true });
    // To another question, or none: passed over, because strangers can send datagrams in the server's name.
    socket.on('message', (answer) => {
      if (answers(message, answer)) finish(() => resolve(answer));
    });
    // Unreachable by UDP: TCP will say what the matter is.
    socket.once('error', () => finish(() => resolve(undefined)));
    // A connected socket hears nobody else.
    socket.connect(server.port, server.address, send);
  });
}

function overTcp(message: Buffer, server: DnsServer, signal: AbortSignal, system: System): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const socket = system.dial({ kind: 'tcp', host: server.address, port: server.port });
    let received: Buffer = Buffer.alloc(0);
    const finish = (settle: () => void): void => {
      timer.cancel();
      signal.removeEventListener('abort', stop);
      socket.destroy();
      settle();
    };
    const fail = (why: string, cause?: unknown): void => finish(() => reject(noAnswer(server, why, cause)));
    const stop = (): void => finish(() => reject(signal.reason as Error));
    const timer = system.setTimer(STREAM_PATIENCE, () => fail(`no answer within ${STREAM_PATIENCE / 1000} s`));
    signal.addEventListener('abort', stop, { once: true });
    socket.on('error', (error) => fail(error.message, error));
    socket.once('end', () => fail('it closed the connection without an answer'));
    socket.on('data', (chunk: Buffer) => {
      // At most 65,537 bytes of it are ever looked at: the length is in the first two.
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const answer = received.subarray(2, 2 + received.readUInt16BE(0));
      if (!answers(message, answer)) return fail('its answer belongs to another question');
      finish(() => resolve(answer));
    });
    socket.write(Buffer.concat([lengthOf(message), message]));
  });
}

function lengthOf(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return length;
}

function noAnswer(server: DnsServer, why: string, cause: unknown): SidecarError {
  return new SidecarError(`No answer from the DNS server ${formatHostPort(server.address, server.port)}: ${why}.`, {
    code: 'dns-failed',
    blame: 'remote',
    hint: 'Check its address, and that this machine may reach it on that port, UDP and TCP.',
    retryAfter: 60,
    cause,
  });
}
