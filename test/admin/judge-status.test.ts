import { describe, expect, it } from 'vitest';
import { judgeStatus } from '../../src/admin/judge-status.ts';
import type { Status } from '../../src/admin/status.ts';
import { at, certificate, instance, server, status } from './made-status.ts';

const gone = (more = {}) => instance({ state: 'ejected', since: '2026-11-23T14:03:25.000Z', ...more });
const failing = (failed: number, fine: number): Status['traffic'] => {
  const requests = (count: number) => [...Array<number>(119).fill(0), count];
  const series = [
    { surface: 'client', status: '5xx', requests: requests(failed) },
    { surface: 'client', status: '2xx', requests: requests(fine) },
  ];
  return { step_seconds: 5, from: at(0), steps: 120, series };
};
const told = (about: string, sentence: string): Status['warnings'][number] => ({
  ...{ id: about, about, level: 'down', since: at(0), sentence, fix: 'Mend it.' },
});
const pools = (...instances: ReturnType<typeof instance>[]) => [{ pool: 'sync', instances }];
const process = (state: 'silent' | 'starting', restarts: number): Status['processes'][number] => ({
  ...{ slot: 2, pid: 7, uptime_seconds: 3, restarts, state },
});

describe('the headline', () => {
  it.each<[what: string, more: Partial<Status>, level: string, headline: string, others?: string[]]>([
    ['nothing wrong', {}, 'good', 'All is well: a.test is up.'],
    [
      'one certificate',
      { certificates: [certificate()] },
      'good',
      'All is well: a.test is up, and the certificate is good for 61 days.',
    ],
    [
      'several of everything',
      {
        servers: ['a.test', 'b.test', 'c.test'].map((name) => server(name)),
        certificates: [certificate(), certificate({ days_left: 1 })],
      },
      'good',
      'All is well: a.test and 2 more servers are up, and all certificates are good for 1 day or more.',
    ],
    [
      'federation broken as others see it',
      { warnings: [told('federation', 'Other servers do not reach a.test.'), told('apex', 'The document is old.')] },
      'bad',
      'Other servers do not reach a.test.',
    ],
    ['a document that drifted', { warnings: [told('apex', 'The document is old.')] }, 'warn', 'The document is old.'],
    [
      'a service for calls away',
      { servers: [server('a.test', { rtc_sfu_instances: [gone()] })] },
      'bad',
      'The media server for calls of a.test is away: there are no calls.',
    ],
    [
      'a homeserver that is back, of which people are told for a minute more',
      { warnings: [told('homeserver', 'It has been down for 6 minutes.')] },
      'warn',
      'It has been down for 6 minutes.',
    ],
    [
      'a homeserver away that people are told of as well',
      {
        servers: [server('a.test', { away_seconds: 300, instances: [gone(), gone()] })],
        warnings: [told('homeserver', 'It has been down for 5 minutes.')],
      },
      'bad',
      'The homeserver of a.test has been away since 2026-11-23 14:00 UTC.',
    ],
    [
      'a program away that no state shows, while something else is wrong',
      {
        servers: [server('a.test', { away_seconds: 300, instances: [gone()] }), server('b.test')],
        certificates: [certificate({ level: 'at-risk' })],
        warnings: [
          told('homeserver', 'The homeserver of a.test (http://synapse:8008) has been down for 5 minutes.'),
          told('homeserver', 'The homeserver of b.test (http://synapse:800) has been down for 5 minutes.'),
        ],
      },
      'bad',
      'The homeserver of a.test has been away since 2026-11-23 14:03 UTC.',
      ['The homeserver of b.test (http://synapse:800) has been down for 5 minutes.'],
    ],
    [
      'a homeserver away',
      { servers: [server('a.test', { away_seconds: 95, instances: [gone({ why: 'connect ECONNREFUSED.' })] })] },
      'bad',
      'The homeserver of a.test has been away since 2026-11-23 14:03 UTC (connect ECONNREFUSED).',
    ],
    [
      'all of several instances away',
      { servers: [server('a.test', { away_seconds: 300, instances: [gone(), gone()] })] },
      'bad',
      'The homeserver of a.test has been away since 2026-11-23 14:00 UTC.',
    ],
    [
      'one of several instances away',
      { servers: [server('a.test', { instances: [instance(), gone({ why: 'it hangs' })] })] },
      'warn',
      '1 of 2 instances of the homeserver of a.test is away (it hangs).',
    ],
    [
      'the authentication service away',
      { servers: [server('a.test', { mas_instances: [gone()] })] },
      'bad',
      'The authentication service of a.test is away: nobody can log in.',
    ],
    [
      'all workers of a pool away',
      { servers: [server('a.test', { workers: pools(gone(), gone()) })] },
      'bad',
      'The sync workers of a.test are away.',
    ],
    [
      'one that comes back, which is no trouble',
      { servers: [server('a.test', { workers: pools(instance(), instance({ state: 'warming' })) })] },
      'good',
      'All is well: a.test is up.',
    ],
    [
      'no certificate yet',
      { certificates: [certificate({ level: 'missing', next_attempt: { at: at(0), why: 'It is being tried now.' } })] },
      'bad',
      'The certificate for a.test is yet to come: It is being tried now.',
    ],
    [
      'a certificate that has expired',
      { certificates: [certificate({ level: 'expired', not_after: at(-3), obstacle: 'the CA said: no' })] },
      'bad',
      'The certificate for a.test expired 3 days ago: the CA said: no.',
    ],
    [
      'a certificate of many names that ends soon',
      { certificates: [certificate({ names: ['a.test', 'b.test', 'c.test'], level: 'at-risk', not_after: at(9) })] },
      'warn',
      'The certificate for a.test and 2 more names ends in 9 days.',
    ],
    [
      'a renewal that failed long before it matters',
      { certificates: [certificate({ obstacle: 'port 80 is closed.' })] },
      'warn',
      'Something stands in the way of the certificate for a.test: port 80 is closed.',
    ],
    [
      'a process that hangs',
      { processes: [process('silent', 2)] },
      'bad',
      'Process 2 does not answer; one in its place ended 2 times before.',
    ],
    ['a process that starts', { processes: [process('starting', 0)] }, 'warn', 'Process 2 is starting.'],
    ['many failures', { traffic: failing(30, 70) }, 'warn', 'Of the requests of the last minute 30 % failed (5xx).'],
    ['few failures in all', { traffic: failing(4, 0) }, 'good', 'All is well: a.test is up.'],
    ['few failures of all', { traffic: failing(10, 990) }, 'good', 'All is well: a.test is up.'],
    [
      'a sidecar that stops',
      { draining: true, processes: [process('starting', 0)] },
      'warn',
      'The sidecar is stopping: it finishes what is under way and takes nothing new.',
    ],
  ])('of %s', (_, more, level, headline, others = []) => {
    const verdict = judgeStatus(status(more));
    expect(verdict).toMatchObject({ ok: level === 'good', level, headline });
    expect(verdict.problems.map(({ what }) => what)).toEqual(expect.arrayContaining(others));
  });

  it('is the worst of all, and the others follow, the worst first', () => {
    const { level, headline, problems } = judgeStatus(
      status({
        servers: [server('a.test', { instances: [instance(), gone()] })],
        certificates: [certificate({ level: 'at-risk' }), certificate({ level: 'expired', not_after: at(-1) })],
      }),
    );
    expect([level, headline]).toEqual(['bad', 'The certificate for a.test expired 24 hours ago.']);
    expect(problems.map((one) => one.level)).toEqual(['bad', 'warn', 'warn']);
  });

  it('has nothing in it that a terminal would obey, whatever others have said', () => {
    const why = 'no\u001b[31m\r\n\u202egood';
    const { headline } = judgeStatus(
      status({ servers: [server('a.test', { away_seconds: 1, instances: [gone({ why })] })] }),
    );
    expect(headline).toContain('no?[31m???good');
  });
});
