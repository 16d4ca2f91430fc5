import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { createFastSystem } from '../../harness/fast-system.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { pause } from '../../harness/until.ts';
import { startHttpUpstream } from '../../harness/upstream.ts';

it('nobody hears of a configuration that was refused', async ({ onTestFinished }) => {
  const asked: string[] = [];
  const start = () => startHttpUpstream((request, response) => void response.end(`{}${asked.push(request.url ?? '')}`));
  const others = [await start(), await start()];
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const sidecar = await startTestSidecar('servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]', {
    system: createFastSystem(20),
  });
  onTestFinished(async () => {
    await sidecar.close();
    taken.close();
    for (const other of others) await other.close();
  });
  const { port } = taken.address() as { port: number };
  const places = others.map(({ url }) => `"${url}"`).join(', ');
  const next = `servers: [{ server_name: a.test, homeserver: [${places}] }]\nlisten: { https: "127.0.0.1:${port}" }`;
  await expect(sidecar.reload(next)).rejects.toThrow(/in use|already|taken/i);
  // Fifteen seconds of its clock: three questions after their health each, and one look at each document.
  await pause(750);
  expect(asked).toEqual([]);
});
