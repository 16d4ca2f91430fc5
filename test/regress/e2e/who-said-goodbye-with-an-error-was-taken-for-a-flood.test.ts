import { afterAll, beforeAll, expect, it } from 'vitest';
import { FRAME, frame, openRawHttp2 } from '../../harness/http2-frames.ts';
import { type Edge, startEdge } from '../../harness/strangers.ts';
import { until } from '../../harness/until.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());

const PROTOCOL_ERROR = Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]);

async function flooded(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${edge.sidecar.admin}/metrics`)).text();
  return Number(/^matrix_sidecar_connections_flooded_total\{.*\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

// Browsers and phones send it when a ping stays without an answer, as after every change of the network. Behind one address
// of a mobile network there are enough of them to keep everybody's handshakes there waiting.
it('a client that ends its own connection with an error has flooded nothing', async () => {
  for (let count = 0; count < 5; count++) {
    const client = await openRawHttp2(edge.sidecar);
    await until('the sidecar has spoken', () => client.received.length > 0);
    client.send(frame(FRAME.goaway, 0, 0, PROTOCOL_ERROR));
    await until('the connection is closed', client.closed);
  }
  expect(await flooded()).toBe(0);
  // What breaks the protocol still is one.
  const client = await openRawHttp2(edge.sidecar);
  client.send(frame(FRAME.data, 0, 1, 'x'));
  await until('the connection is closed', client.closed);
  expect(await flooded()).toBe(1);
  await edge.expectAlive();
});
