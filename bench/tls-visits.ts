import { connect, type TLSSocket } from 'node:tls';
import { SMALL_PATH, type Target, TLS_OFFER } from './ask.ts';
import { BenchError } from './bench-error.ts';
import { SMALL } from './peers/fixed-upstream.ts';
import { SERVER_NAME } from './workspace.ts';

/** A visit: connect, TLS 1.3 handshake, one small request, its answer, close. */
export interface Visit {
  /** Milliseconds from the connect to the end of the answer. */
  readonly milliseconds: number;
  /** To resume with. */
  readonly session: Buffer | undefined;
}

const REQUEST = `GET ${SMALL_PATH} HTTP/1.1\r\nHost: ${SERVER_NAME}\r\n\r\n`;

/**
 * Opens a connection, from that address of this machine, and resolves when the handshake is done. With `session`, one
 * that is not resumed is an error.
 */
export function openConnection({ port, pem }: Target, session?: Buffer, from = '127.0.0.1'): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      localAddress: from,
      servername: SERVER_NAME,
      ca: pem,
      ALPNProtocols: ['http/1.1'],
      ...TLS_OFFER,
    };
    const socket = connect({ ...options, ...(session === undefined ? {} : { session }) });
    socket.setNoDelay(true);
    socket.on('error', reject);
    socket.once('secureConnect', () => {
      if (socket.isSessionReused() === (session !== undefined)) return resolve(socket);
      socket.destroy();
      reject(new BenchError(session === undefined ? 'A session was resumed unasked.' : 'The session was not resumed.'));
    });
  });
}

/** Sends the small request on a connection and resolves when its answer is complete; one that is wrong is an error. */
export function askOn(socket: TLSSocket, request: string = REQUEST): Promise<void> {
  return new Promise((resolve, reject) => {
    let got = '';
    const onData = (chunk: Buffer): void => {
      got += chunk.toString('latin1');
      const end = got.indexOf('\r\n\r\n');
      if (end === -1 || got.length < end + 4 + SMALL) return;
      finish();
      if (!got.startsWith('HTTP/1.1 200') || got.length !== end + 4 + SMALL)
        reject(new BenchError(`Wrong answer: ${got}`));
      else resolve();
    };
    const onClose = (): void => {
      finish();
      reject(new BenchError(`The connection was closed after ${got.length} bytes of the answer.`));
    };
    const finish = (): void => void socket.off('data', onData).off('close', onClose);
    socket.on('data', onData).once('close', onClose);
    socket.write(request);
  });
}

/** One visit. */
export async function visit(target: Target, session?: Buffer): Promise<Visit> {
  const startedAt = performance.now();
  const socket = await openConnection(target, session);
  let next: Buffer | undefined;
  socket.on('session', (ticket) => {
    next = ticket;
  });
  try {
    await askOn(socket);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const milliseconds = performance.now() - startedAt;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end();
  await closed;
  return { milliseconds, session: next };
}
