import { afterAll, beforeAll, expect, it } from 'vitest';
import { sendRaw } from '../../harness/client.ts';
import { type Edge, startEdge } from '../../harness/strangers.ts';
import { pause } from '../../harness/until.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());

// When their connection closed, each request that waited on it got an error with a stack that was written out, which
// took a tenth of a second for a thousand of them.
it('the end of a connection writes out no stack for each request that waits on it', async () => {
  const { prepareStackTrace, stackTraceLimit } = Error;
  let frames = 0;
  let aborted = 0;
  Error.prepareStackTrace = (error, sites) => {
    if (error.message === 'aborted') {
      aborted++;
      frames += sites.length;
    }
    return prepareStackTrace?.(error, sites) ?? String(error);
  };
  try {
    // With a body: one without is no stream to Node (optimizeEmptyRequests), and nothing of it ends with an error.
    const request = 'PUT /_matrix/client/v3/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n{}';
    await sendRaw(edge.sidecar, request.repeat(600), { until: /^HTTP/ });
    await pause(200);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
  expect(aborted).toBeGreaterThan(50);
  expect(frames).toBe(0);
  expect(Error.stackTraceLimit).toBe(stackTraceLimit);
  await edge.expectAlive();
});
