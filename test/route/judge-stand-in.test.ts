import { expect, it } from 'vitest';
import type { PoolName } from '../../src/matrix/worker-pools.ts';
import { judgeStandIn } from '../../src/route/judge-stand-in.ts';

it.each([
  ['sync', [], 'all'],
  ['sync', ['generic'], 'all'],
  ['client_reader', [], 'all'],
  ['generic', [], 'all'],
  ['media', [], 'none'],
  ['sso', ['generic'], 'none'],
  ['typing', ['generic', 'client_reader'], 'none'],
  ['push_rules', ['generic'], 'some'],
  ['push_rules', [], 'some'],
  ['thread_subscriptions', [], 'some'],
  ['quarantined_media_changes', ['media'], 'all'],
  ['quarantined_media_changes', [], 'none'],
  ['to_device', [], 'all'],
] as const)('without anybody of %s, and with %j, others answer: %s', (pool, others, expected) => {
  expect(judgeStandIn(pool, new Set<PoolName>(others))).toBe(expected);
});
