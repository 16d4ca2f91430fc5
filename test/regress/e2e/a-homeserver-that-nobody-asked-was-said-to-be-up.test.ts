import { expect, it } from 'vitest';
import { judgeStatus } from '../../../src/admin/judge-status.ts';
import { createFastSystem } from '../../harness/fast-system.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { pause, until } from '../../harness/until.ts';
import { startHttpUpstream } from '../../harness/upstream.ts';

it('a homeserver that was never there is away without a request that finds out, and back when it comes', async () => {
  const place = await startHttpUpstream(() => {});
  await place.close();
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${place.url}" }]`, {
    system: createFastSystem(20),
  });
  try {
    const verdict = () => judgeStatus(sidecar.sidecar.status());
    await until('noticed', () => verdict().level === 'bad');
    expect(verdict().headline).toMatch(/^The homeserver of a\.test has been away since .*ECONNREFUSED/);
    const upstream = await startHttpUpstream((_request, response) => void response.end('{}'), { port: place.port });
    await until('back', () => verdict().level === 'good');
    await upstream.close();
  } finally {
    await sidecar.close();
  }
});

it('a homeserver that goes is away soon without a request that finds out', async () => {
  const upstream = await startHttpUpstream((_request, response) => void response.end('{}'));
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`, {
    system: createFastSystem(20),
  });
  try {
    // What is asked for at the start, and once in an hour then, has been.
    await pause(1_500);
    const verdict = () => judgeStatus(sidecar.sidecar.status());
    expect(verdict().level).toBe('good');
    await upstream.close();
    // A minute of the sidecar's is three seconds.
    await until('noticed', () => verdict().level === 'bad', 5_000);
    expect(verdict().headline).toMatch(/^The homeserver of a\.test has been away since .*ECONNREFUSED/);
  } finally {
    await sidecar.close();
    await upstream.close();
  }
});
