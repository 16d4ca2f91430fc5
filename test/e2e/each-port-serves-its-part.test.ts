import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let narrow: TestSidecar;
let wide: TestSidecar;

beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => response.end('{"from":"homeserver"}'));
  const servers = `servers: [{ server_name: a.test, homeserver: "${upstream.url}", delegate_to: m.a.test }]`;
  narrow = await startTestSidecar(servers);
  wide = await startTestSidecar(`${servers}\nroutes: { federation_port: all }`);
});
afterAll(async () => {
  await narrow?.close();
  await wide?.close();
  await upstream?.close();
});

const FEDERATION = ['/_matrix/federation/v1/version', '/_matrix/key/v2/server', '/_matrix/media/v3/download/a.test/x'];
const CLIENT = [
  '/_matrix/client/versions',
  '/_matrix/client/v3/sync',
  '/_synapse/client/saml2/metadata.xml',
  '/_matrix/identity/v2',
];
const NEVER = [
  '/_synapse/metrics',
  '/_synapse/replication/x',
  '/_synapse',
  '/',
  '/_matrixfoo',
  '/%5Fmatrix/client/versions',
];

async function where(sidecar: TestSidecar, on: 'https' | 'federation', path: string): Promise<string> {
  const answer = await ask(sidecar, path, { on });
  if (answer.status === 200) return String(answer.json()['from'] ?? 'own');
  expect(answer.headers['content-type']).toBe('application/json');
  return `${answer.status} ${answer.json()['errcode']}`;
}

describe('the https port', () => {
  it.each([...FEDERATION, ...CLIENT])('serves %s', async (path) => {
    expect(await where(narrow, 'https', path)).toBe('homeserver');
  });
  it.each(NEVER)('does not serve %s', async (path) => {
    expect(await where(narrow, 'https', path)).toBe('404 M_UNRECOGNIZED');
  });
});

describe('the federation port', () => {
  it.each(FEDERATION)('serves %s', async (path) => {
    expect(await where(narrow, 'federation', path)).toBe('homeserver');
  });
  it.each([...CLIENT, ...NEVER, '/_matrix/federation/../client/versions', '/.well-known/matrix/server'])(
    'does not serve %s',
    async (path) => {
      expect(await where(narrow, 'federation', path)).toBe('404 M_UNRECOGNIZED');
    },
  );
});

describe('the federation port, when it serves everything', () => {
  it.each([...FEDERATION, ...CLIENT])('serves %s', async (path) => {
    expect(await where(wide, 'federation', path)).toBe('homeserver');
  });
  it('serves the well-known documents', async () => {
    expect(await where(wide, 'federation', '/.well-known/matrix/server')).toBe('own');
  });
  it.each(NEVER)('does not serve %s', async (path) => {
    expect(await where(wide, 'federation', path)).toBe('404 M_UNRECOGNIZED');
  });
});
