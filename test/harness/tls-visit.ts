import { connect } from 'node:tls';

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

export interface TlsVisit {
  readonly resumed: boolean;
  readonly answered: boolean;
  /** Of this visit, or, where it gave none, the one that it came with. */
  readonly session: Buffer;
}

/**
 * One request on a new connection to 127.0.0.1, with the session of an earlier one if there is one. Without `ca` any
 * certificate will do.
 */
export function visitOverTls(
  port: number,
  ca: string | undefined,
  version: TlsVersion,
  session?: Buffer,
  servername = 'localhost',
): Promise<TlsVisit> {
  return new Promise((resolve, reject) => {
    let newest: Buffer | undefined;
    let text = '';
    let resumed = false;
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername,
      ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      checkServerIdentity: () => undefined,
      minVersion: version,
      maxVersion: version,
      ...(session && { session }),
    });
    socket.on('session', (ticket: Buffer) => {
      newest = ticket;
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.once('secureConnect', () => {
      resumed = socket.isSessionReused();
      socket.write('GET /_matrix/key/v2/server HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    });
    socket.once('error', reject);
    socket.once('close', () => {
      resolve({ resumed, answered: text.startsWith('HTTP/1.1 200 '), session: newest ?? session ?? Buffer.alloc(0) });
    });
  });
}
