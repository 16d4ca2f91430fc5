import { expect, it } from 'vitest';
import { ask, sendRaw } from '../../harness/client.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';

const UPGRADE =
  'GET /_matrix/client/v3/x HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

// Once the failure and once the request, of which both said the same.
it.each(['off', 'errors', 'all'])(
  'a refused upstream is one line for each request, with requests: %s',
  async (requests) => {
    const sidecar = await startTestSidecar(`log: { requests: ${requests} }
limits: { hold: 0s }
servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]`);
    const answer = await ask(sidecar, '/_matrix/client/versions', { headers: { host: 'a.test' } });
    expect(answer.status).toBe(502);
    expect((await sendRaw(sidecar, UPGRADE)).text).toMatch(/^HTTP\/1\.1 502 /);
    await sidecar.close();
    const lines = sidecar.logged.filter(({ fields }) => 'request_id' in fields);
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'warn']);
    for (const { sentence, fields } of lines) expect(`${sentence} ${String(fields['why'])}`).toContain('ECONNREFUSED');
  },
);
