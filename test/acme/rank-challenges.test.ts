import { describe, expect, it } from 'vitest';
import { type ChallengeFacts, rankChallenges } from '../../src/acme/rank-challenges.ts';
import { DAY, HOUR, T0 } from './ledger-facts.ts';

const name = 'example.com';
const worked = (type: 'http-01' | 'tls-alpn-01' | 'dns-01', at: number) => ({ name, type, workedAt: at });
const failed = (type: 'http-01' | 'tls-alpn-01' | 'dns-01', at: number) => ({ name, type, failedAt: at });
const facts = (more: Partial<ChallengeFacts> = {}): ChallengeFacts => ({
  identifier: { type: 'dns', value: name },
  wildcard: false,
  configured: ['tls-alpn-01', 'http-01', 'dns-01'],
  offered: undefined,
  listeners: { http: true, https: true },
  history: [],
  ...more,
});

describe('the order of challenges', () => {
  it.each<[string, Partial<ChallengeFacts>, readonly string[], RegExp]>([
    [
      'as configured',
      {},
      ['tls-alpn-01', 'http-01', 'dns-01'],
      /tls-alpn-01 is tried first .* first of those configured/,
    ],
    ['each once', { configured: ['http-01', 'http-01'] }, ['http-01'], /http-01/],
    [
      'what worked last before the rest',
      { history: [worked('http-01', T0 - 60 * DAY)] },
      ['http-01', 'tls-alpn-01', 'dns-01'],
      /it worked last/,
    ],
    [
      'the latest of those that worked',
      { history: [worked('http-01', T0 - 60 * DAY), worked('dns-01', T0 - 30 * DAY)] },
      ['dns-01', 'tls-alpn-01', 'http-01'],
      /dns-01 is tried first/,
    ],
    [
      'what failed within a day last',
      { history: [failed('tls-alpn-01', T0 - HOUR)] },
      ['http-01', 'dns-01', 'tls-alpn-01'],
      /tls-alpn-01 failed 60 minutes ago|tls-alpn-01 failed 1 hour ago/,
    ],
    [
      'what worked last and failed since, last',
      { history: [{ ...worked('tls-alpn-01', T0 - 60 * DAY), failedAt: T0 - HOUR }] },
      ['http-01', 'dns-01', 'tls-alpn-01'],
      /http-01 is tried first/,
    ],
    [
      'what failed two days ago in its place',
      { history: [failed('tls-alpn-01', T0 - 2 * DAY)] },
      ['tls-alpn-01', 'http-01', 'dns-01'],
      /tls-alpn-01/,
    ],
    [
      'what failed and worked since, first',
      { history: [{ ...failed('http-01', T0 - HOUR), workedAt: T0 - 1 }] },
      ['http-01', 'tls-alpn-01', 'dns-01'],
      /worked last/,
    ],
    [
      'what failed longest ago first, when all did',
      { history: [failed('tls-alpn-01', T0 - 1), failed('http-01', T0 - 3 * HOUR), failed('dns-01', T0 - HOUR)] },
      ['http-01', 'dns-01', 'tls-alpn-01'],
      /its failure was longest ago/,
    ],
    [
      'no http-01 without port 80',
      { listeners: { http: false, https: true } },
      ['tls-alpn-01', 'dns-01'],
      /http-01: it needs port 80/,
    ],
    [
      'no tls-alpn-01 without port 443',
      { listeners: { http: true, https: false } },
      ['http-01', 'dns-01'],
      /tls-alpn-01: it needs port 443/,
    ],
    [
      'only DNS for a wildcard',
      { wildcard: true },
      ['dns-01'],
      /dns-01 is tried first for \*\.example\.com: .*a wildcard name can only/,
    ],
    [
      'no DNS for an address',
      { identifier: { type: 'ip', value: '192.0.2.1' } },
      ['tls-alpn-01', 'http-01'],
      /an address cannot be proved over DNS/,
    ],
    [
      'dns-persist-01 only where it is offered',
      { configured: ['dns-persist-01', 'dns-01'], offered: ['dns-01', 'http-01'] },
      ['dns-01'],
      /dns-persist-01: the CA does not offer it/,
    ],
    [
      'dns-persist-01 where it is offered',
      { configured: ['dns-persist-01', 'dns-01'], offered: ['dns-01', 'dns-persist-01'], wildcard: true },
      ['dns-persist-01', 'dns-01'],
      /dns-persist-01 is tried first/,
    ],
    [
      'none where none is possible',
      { wildcard: true, configured: ['http-01'] },
      [],
      /No challenge can be met for \*\.example\.com .*Open a listener or/,
    ],
    ['none where none is configured', { configured: [] }, [], /none is configured/],
  ])('%s', (_, more, types, why) => {
    const ranking = rankChallenges(facts(more), T0);
    expect(ranking.types).toEqual(types);
    expect(ranking.why).toMatch(why);
    expect([...ranking.types, ...ranking.excluded.map(({ type }) => type)].sort()).toEqual(
      [...new Set(facts(more).configured)].sort(),
    );
  });
});
