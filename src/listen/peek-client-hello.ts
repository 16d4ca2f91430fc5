import type { Socket } from 'node:net';
import { type ClientHello, parseClientHello } from './client-hello.ts';

/**
 * Looks at the ClientHello of a connection and puts every byte back. Calls `done` once: with the hello, with
 * undefined when the bytes are none that we read (who comes next sees them as they came), or with the reason why
 * the connection is over. The next one may read from the turn of the loop after that. Time is the caller's to bound.
 */
export function peekClientHello(
  socket: Socket,
  done: (outcome: { ok: true; hello: ClientHello | undefined } | { ok: false; why: string }) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  let need = 1;
  const finish = (outcome: Parameters<typeof done>[0]): void => {
    socket.off('readable', read);
    socket.off('end', ended);
    done(outcome);
  };
  const ended = (): void => finish({ ok: false, why: 'the connection ended before its ClientHello' });
  const read = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      chunks.push(chunk);
      length += chunk.length;
      // A hello that drips is put together and read again only when there is something new to learn from it.
      if (length < need) continue;
      const seen = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      chunks.splice(0, chunks.length, seen);
      const reading = parseClientHello(seen);
      if (reading.kind === 'incomplete') {
        need = reading.need;
        continue;
      }
      socket.unshift(seen);
      return finish({ ok: true, hello: reading.kind === 'hello' ? reading.hello : undefined });
    }
  };
  socket.on('readable', read);
  socket.once('end', ended);
}
