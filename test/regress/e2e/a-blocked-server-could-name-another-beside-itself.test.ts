import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { exchangeWhole, VERSIONS } from '../../harness/stream-client.ts';
import { startHttpUpstream, type TestUpstream } from '../../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;

beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => void response.end('{}'));
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
routes: { blocked_servers: spam.test }`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

const REST = 'destination="a.test",key="ed25519:1",sig="x"';

describe.each(VERSIONS)('over %s', (version) => {
  // Synapse verifies each field, and takes the last origin for the sender (federation/transport/server/_base.py).
  it.each([
    [
      'in a field of its own',
      ['X-Matrix origin="ok.test",key="ed25519:1",sig="x"', `X-Matrix origin="spam.test",${REST}`],
    ],
    ['behind a field of another scheme', ['Bearer x', `X-Matrix origin="spam.test",${REST}`]],
    ['twice in one field', [`X-Matrix origin="ok.test",origin="spam.test",${REST}`]],
    ['in front of it', [`X-Matrix origin="spam.test",origin="ok.test",${REST}`]],
    ['behind the value of another parameter', [`X-Matrix x="origin=ok.test",origin="spam.test",${REST}`]],
    ['with escaped characters', [`X-Matrix origin="sp\\am.test",${REST}`]],
    ['behind much else', [`X-Matrix x="${'y'.repeat(2_000)}",origin="spam.test",${REST}`]],
    ['without quotes', [`X-Matrix ${REST},Origin=spam.test`]],
  ])('%s', async (_, fields) => {
    const headers = fields.flatMap((field) => ['authorization', field]);
    const { status } = await exchangeWhole(sidecar, version, { path: '/_matrix/federation/v1/event/x', headers });
    expect(status).toBe(403);
  });

  it('and nobody else is', async () => {
    const headers = ['authorization', `X-Matrix origin="ok.test",${REST}`];
    const { status } = await exchangeWhole(sidecar, version, { path: '/_matrix/federation/v1/event/x', headers });
    expect(status).toBe(200);
  });
});
