import type { Socket } from 'node:net';
import { MAX_PROXY_HEADER, type ProxiedAddress, parseProxyHeader } from './proxy-protocol.ts';

/**
 * Takes the PROXY header off the front of a connection and puts the bytes behind it back. Calls `done` once: with
 * the header's source (undefined for LOCAL), or with the reason why there is none. Time is the caller's to bound.
 */
export function readProxyHeader(
  socket: Socket,
  done: (outcome: { ok: true; source: ProxiedAddress | undefined } | { ok: false; why: string }) => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const finish = (outcome: Parameters<typeof done>[0]): void => {
    socket.off('readable', read);
    socket.off('end', ended);
    done(outcome);
  };
  const ended = (): void => finish({ ok: false, why: 'the connection ended before its PROXY header' });
  const read = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const header = parseProxyHeader(seen);
      if (header.kind === 'invalid') return finish({ ok: false, why: header.why });
      if (header.kind === 'header') {
        const rest = seen.subarray(header.length);
        if (rest.length > 0) socket.unshift(rest);
        return finish({ ok: true, source: header.source });
      }
      if (seen.length > MAX_PROXY_HEADER) return finish({ ok: false, why: 'a PROXY header that is too long' });
    }
  };
  socket.on('readable', read);
  socket.once('end', ended);
}
