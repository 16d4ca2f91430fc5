import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { createMatrixRoom } from '../../src/observe/matrix-room.ts';
import type { Delivery } from '../../src/observe/send-message.ts';
import { renderWarning } from '../../src/observe/warning-message.ts';
import { startWebhookServer, type WebhookServer } from '../harness/webhook-server.ts';

const TOKEN = 'syt_b25jYWxs_abcdefghijklmnopqrst_012345';
const ROOM = '!abc/?#:example.org';
const WARNING = {
  about: 'homeserver',
  event: 'began',
  level: 'away',
  names: ['a.test'],
  message: 'It is <away>.',
} as const;

let server: WebhookServer;
beforeEach(async () => {
  server = await startWebhookServer();
});
afterEach(() => server.close());

async function send(event: 'began' | 'over' = 'began', transaction = 'one', timeout = 2_000): Promise<Delivery> {
  const slice = { homeserver: `https://${server.host}`, room: ROOM, token: TOKEN, ca: server.ca, timeout };
  const room = createMatrixRoom(slice, { system: realSystem });
  try {
    const message = renderWarning({ ...WARNING, event, fix: 'Start it.' });
    return await room.post(message, new AbortController().signal, transaction);
  } finally {
    await room.close();
  }
}

describe('a Matrix room', () => {
  it('gets a message that makes a noise, with the token in the header alone', async () => {
    let authorization: string | undefined;
    server.answerWith((response, request) => {
      ({ authorization } = request.headers);
      response.end('{"event_id":"$x"}');
    });
    expect(await send('began', 'tx/1')).toEqual({ ok: true });
    expect(server.posted).toMatchObject([
      {
        method: 'PUT',
        path: '/_matrix/client/v3/rooms/!abc%2F%3F%23%3Aexample.org/send/m.room.message/tx%2F1',
        contentType: 'application/json',
      },
    ]);
    expect(authorization).toBe(`Bearer ${TOKEN}`);
    expect(server.messages()).toEqual([
      {
        msgtype: 'm.text',
        'm.mentions': {},
        body: 'matrix-sidecar: It is ‹away›.\nTo do: Start it.',
        format: 'org.matrix.custom.html',
        formatted_body: 'matrix-sidecar: It is &lt;away&gt;.<br>To do: Start it.',
      },
    ]);
  });

  it('is told quietly that something is over', async () => {
    await send('over');
    expect(server.messages()).toMatchObject([{ msgtype: 'm.notice' }]);
  });

  it.each([
    [403, '{"errcode":"M_FORBIDDEN","error":"User not in room !secret"}', 'it answered 403 M_FORBIDDEN'],
    [401, '{"errcode":"M_UNKNOWN_TOKEN"}', 'it answered 401 M_UNKNOWN_TOKEN'],
    [403, `{"errcode":"${TOKEN}"}`, 'it answered 403'],
    [502, '<html>', 'it answered 502'],
    [500, 'x'.repeat(1e6), 'it answered 500'],
  ])('that refuses with %i has not got it, and only its error code is repeated', async (status, body, why) => {
    server.answerWith((response) => void response.writeHead(status).end(body));
    const delivery = await send();
    expect(delivery).toEqual({ ok: false, status, why, retryAfter: undefined });
    expect(JSON.stringify(delivery)).not.toContain(TOKEN);
  });

  it.each([
    ['hangs', () => {}],
    ['drips', (response: { write(text: string): unknown }) => void setInterval(() => response.write('x'), 20).unref()],
  ])('that %s is given up in time', async (_how, answer) => {
    server.answerWith((response) => {
      response.statusCode = 500;
      answer(response);
    });
    const began = performance.now();
    const delivery = await send('began', 'one', 300);
    expect(delivery.ok).toBe(false);
    expect(performance.now() - began).toBeLessThan(1_500);
  });
});
