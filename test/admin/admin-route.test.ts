import { expect, it } from 'vitest';
import { type AdminDeps, answerAdmin } from '../../src/admin/admin-route.ts';
import type { Readiness } from '../../src/admin/status.ts';
import { status } from './made-status.ts';

function sources(readiness: Readiness): AdminDeps & { looked: number } {
  const made = {
    looked: 0,
    status: () => status(),
    page: async () => ({ html: '<!DOCTYPE html>', policy: "default-src 'none'" }),
    metrics: { scrape: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'a 1\n' }) },
    readiness: async () => {
      made.looked++;
      return readiness;
    },
  };
  return made;
}
const READY: Readiness = { ready: true, checks: [] };

it.each([
  ['GET', '/', 200, 'text'],
  ['GET', '/healthz', 200, 'text'],
  ['HEAD', '/healthz', 200, 'text'],
  ['GET', '/readyz', 200, 'json'],
  ['GET', '/api/status', 200, 'json'],
  ['GET', '/metrics', 200, 'text'],
  ['GET', '/api/status/', 404, 'text'],
  ['GET', '/HEALTHZ', 404, 'text'],
  ['GET', '', 404, 'text'],
  ['POST', '/healthz', 405, 'text'],
  ['POST', '/nonsense', 405, 'text'],
])('%s %s: %i as %s', async (method, path, expected, type) => {
  expect(await answerAdmin(method, path, sources(READY))).toMatchObject({ status: expected, type });
});

it('not ready is 503, with everything that was found', async () => {
  const readiness: Readiness = { ready: false, checks: [{ name: 'homeserver of a.test', ok: false, detail: 'down' }] };
  expect(await answerAdmin('GET', '/readyz', sources(readiness))).toEqual({
    status: 503,
    type: 'json',
    body: readiness,
  });
});

it('the homeserver is looked at for /readyz alone: liveness does not depend on it', async () => {
  const deps = sources(READY);
  for (const path of ['/', '/healthz', '/api/status', '/metrics', '/nonsense']) await answerAdmin('GET', path, deps);
  expect(deps.looked).toBe(0);
});

it('metrics come with the content type that says which format they have', async () => {
  const answer = await answerAdmin('GET', '/metrics', sources(READY));
  expect(answer).toMatchObject({ body: 'a 1\n', contentType: 'text/plain; version=0.0.4' });
});

it('405 says what is allowed', async () => {
  expect((await answerAdmin('DELETE', '/healthz', sources(READY))).allow).toBe('GET, HEAD');
});
