import type { RequestListener } from 'node:http';
import { describe, expect, it, type TestContext } from 'vitest';
import { createUpstreamPool } from '../../src/base/address.ts';
import { createLastGood } from '../../src/forward/last-good.ts';
import { createNames } from '../../src/forward/names.ts';
import { createUpstreamConnections } from '../../src/forward/upstream-connections.ts';
import { buildKeyDocument } from '../../src/matrix/key-document.ts';
import { createSigningKey } from '../../src/matrix/signing.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream } from '../harness/upstream.ts';
import { createManualSystem } from '../tls/manual-system.ts';

const DAY = 86_400_000;
const KEYS = '/_matrix/key/v2/server';
const VERSION = '/_matrix/federation/v1/version';
const NOW = Date.parse('2026-06-01T12:00:00Z');

async function setUp({ onTestFinished }: TestContext, answer: (path: string, now: number) => unknown) {
  const system = createManualSystem(NOW);
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(`${request.headers.host} ${request.url}`);
    const given = answer(request.url ?? '', system.now());
    // An idle connection would have a timer of its own.
    response.setHeader('Connection', 'close');
    response.statusCode = given === undefined ? 500 : given === null ? 404 : 200;
    response.end(typeof given === 'string' ? given : JSON.stringify(given ?? {}));
  };
  const upstream = await startHttpUpstream(listener);
  const at = { kind: 'tcp' as const, host: '127.0.0.1', port: upstream.port, text: upstream.url };
  const connections = createUpstreamConnections(createUpstreamPool([at]), { system, names: createNames({ system }) });
  const kept = createLastGood({ serverName: 'a.test', connections }, { system });
  onTestFinished(async () => {
    kept.close();
    connections.close();
    await upstream.close();
  });
  return { system, asked, kept };
}

const key = createSigningKey('ed25519:1', Buffer.alloc(32, 7));
const document = (name: string, validUntil: number) => buildKeyDocument(name, key, validUntil);

describe('what the homeserver said last', () => {
  it('is fetched by the sidecar itself, with the server name as Host, and again each hour', async (context) => {
    const { system, asked, kept } = await setUp(context, (path, now) =>
      path === KEYS ? document('a.test', now + DAY) : { server: { name: 'Synapse', version: '1.160' } },
    );
    expect(kept.find(KEYS)).toBeUndefined();
    await system.advance(10_000);
    await until('all three were asked for', () => asked.length === 3);
    expect(asked).toEqual([`a.test ${KEYS}`, `a.test ${VERSION}`, 'a.test /_matrix/client/versions']);
    await until(
      'the next look is planned',
      () => system.pending() > 0 && kept.find('/_matrix/client/versions') !== undefined,
    );
    expect(kept.find(VERSION)!.body.toString()).toContain('Synapse');
    await system.advance(3_600_000);
    await until('all three were asked for again', () => asked.length === 6);
    await until('the answers are in', () => kept.find(KEYS)?.fetchedAt !== NOW + 10_000);
    expect(kept.find(KEYS)).toMatchObject({ fetchedAt: NOW + 3_610_000, goodUntil: NOW + 3_610_000 + DAY });
  });

  it('is not given as keys any longer than they are valid', async (context) => {
    const { system, kept } = await setUp(context, (path, now) =>
      path === KEYS && now < NOW + 20_000 ? document('a.test', NOW + 60_000) : undefined,
    );
    await system.advance(10_000);
    await until('they are kept', () => kept.find(KEYS) !== undefined);
    await system.advance(49_000);
    expect(kept.find(KEYS)).toBeDefined();
    await system.advance(1_500);
    expect(kept.find(KEYS)).toBeUndefined();
  });

  it.for<[string, (now: number) => unknown]>([
    ["another server's", (now) => document('b.test', now + DAY)],
    ['changed after it was signed', (now) => ({ ...document('a.test', now + DAY), valid_until_ts: now + 9 * DAY })],
    ['expired', (now) => document('a.test', now - 1)],
    ['no JSON', () => 'oops'],
    ['far too long', () => JSON.stringify({ a: 'x'.repeat(100_000) })],
  ])('is not kept as keys when it is %s', async ([, keys], context) => {
    const { system, kept } = await setUp(context, (path, now) => (path === KEYS ? keys(now) : {}));
    await system.advance(10_000);
    await until('what is asked for after them is kept', () => kept.find(VERSION) !== undefined);
    expect(kept.find(KEYS)).toBeUndefined();
  });

  it('is asked for every ten seconds as long as there is none: the homeserver may take a minute to start', async (context) => {
    const { system, asked } = await setUp(context, () => undefined);
    for (const total of [3, 6, 9, 12, 15]) {
      await until('the next look is planned', () => system.pending() === 1);
      await system.advance(9_999);
      expect(asked).toHaveLength(total - 3);
      await system.advance(1);
      await until(`${total} requests`, () => asked.length === total);
    }
  });

  it('is tried again less and less often while the homeserver fails, and soon after it is back', async (context) => {
    // Its versions it always knows.
    const { system, asked, kept } = await setUp(context, (path) => (path === KEYS ? undefined : {}));
    for (const [delay, total] of [
      [10_000, 3],
      [10_000, 6],
      [20_000, 9],
    ] as const) {
      await until('the next look is planned', () => system.pending() === 1);
      await system.advance(delay - 1);
      expect(asked).toHaveLength(total - 3);
      await system.advance(1);
      await until(`${total} requests`, () => asked.length === total);
    }
    kept.refresh();
    await system.advance(2_000);
    await until('soon after', () => asked.length === 12);
  });
});
