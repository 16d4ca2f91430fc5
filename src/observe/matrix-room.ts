import type { System } from '../base/system.ts';
import { createSender, type SenderSlice } from './send-message.ts';
import type { WarningWay } from './warning-way.ts';

export interface MatrixRoomSlice extends SenderSlice {
  /** The URL of somebody's homeserver, without a slash at the end. */
  readonly homeserver: string;
  /** `!id:server`, or `!id` alone as of room version 12. */
  readonly room: string;
  /** Secret: of a user who is in that room and may write there. */
  readonly token: string;
}

/**
 * Sends messages to a Matrix room that is not encrypted (Client-Server API, PUT /rooms/{roomId}/send/{eventType}/{txnId}).
 * Whoever sends the same message again, because the answer was lost say, gives the same transaction, and the homeserver makes
 * one event of it.
 */
export function createMatrixRoom(slice: MatrixRoomSlice, deps: { readonly system: System }): WarningWay {
  const { homeserver, room, token } = slice;
  const sender = createSender(slice, deps);
  const base = `${homeserver}/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.room.message`;
  return {
    host: new URL(homeserver).host,
    post: ({ event, text, html }, signal, transaction) =>
      sender.send(
        {
          method: 'PUT',
          url: `${base}/${encodeURIComponent(transaction)}`,
          headers: { authorization: `Bearer ${token}` },
          message: {
            // By default a notice makes no noise.
            msgtype: event === 'over' ? 'm.notice' : 'm.text',
            // Nobody in particular: without it, names in the text are looked for (Client-Server API, User and room mentions).
            'm.mentions': {},
            ...{ body: text, format: 'org.matrix.custom.html', formatted_body: html },
          },
        },
        signal,
      ),
    close: sender.close,
  };
}
