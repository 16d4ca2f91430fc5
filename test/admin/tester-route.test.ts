import { describe, expect, it } from 'vitest';
import { answerTester, type TesterReport, type TesterWish } from '../../src/admin/tester-route.ts';
import { judge } from '../../src/federation-tester/judge.ts';
import { dead, facts, NOW } from '../federation-tester/made-facts.ts';
import { publicReport } from '../federation-tester/public-schema.ts';

function report(seen = facts()): TesterReport {
  return { facts: seen, verdict: judge(seen, { reach: 'public' }, NOW), at: NOW };
}
const done = (one = report()): TesterWish => ({ ok: true, report: Promise.resolve(one) });
const broken = report(facts({ addresses: [dead('192.0.2.1', 'refused')] }));

async function ask(target: string, wish: TesterWish = done(), method = 'GET') {
  const asked: string[] = [];
  const answer = await answerTester(method, target, {
    test(serverName) {
      asked.push(serverName);
      return wish;
    },
    besideStatus: true,
    sleep: async () => undefined,
  });
  const headers = Object.fromEntries(
    answer.headers.flatMap((name, index) => (index % 2 === 0 ? [[name, answer.headers[index + 1]]] : [])),
  );
  return { ...answer, headers, asked };
}

describe('the API is the public tester’s', () => {
  it('/api/report is the report, indented by two, for programs on any site', async () => {
    const { status, contentType, headers, body, asked } = await ask('/api/report?server_name=example.com');
    expect([status, contentType, asked]).toEqual([200, 'application/json', ['example.com']]);
    expect(headers['Access-Control-Allow-Origin']).toBe('*');
    const parsed: unknown = JSON.parse(body);
    expect(publicReport.safeParse(parsed).error).toBeUndefined();
    expect(body).toBe(`${JSON.stringify(parsed, null, 2)}\n`);
  });

  it.each([
    ['GOOD', report()],
    ['BAD', broken],
  ])('/api/federation-ok is the one word %s', async (word, one) => {
    const { status, contentType, body } = await ask('/api/federation-ok?server_name=example.com', done(one));
    expect([status, contentType, body]).toEqual([200, 'text/plain; charset=utf-8', word]);
  });

  it.each([
    '/api/report',
    '/api/federation-ok',
    '/api/report?server_name=',
    '/api/report?x=1',
    '/api/report?server_name=%20',
  ])('%s is 400, and nothing is tested', async (target) => {
    const { status, body, headers, asked } = await ask(target);
    expect([status, asked, headers['Access-Control-Allow-Origin']]).toEqual([400, [], '*']);
    expect(body).toContain('server_name');
  });

  it.each(['POST', 'HEAD', 'OPTIONS', 'DELETE'])('%s is 405', async (method) => {
    for (const path of ['/api/report', '/api/federation-ok', '/federationtester']) {
      const { status, headers, asked } = await ask(`${path}?server_name=example.com`, done(), method);
      expect([path, status, headers['Allow'], asked]).toEqual([path, 405, 'GET', []]);
    }
  });

  it.each([
    ['busy', 503, 'Other tests are under way'],
    ['too-often', 429, 'many tests from your network'],
  ] as const)('%s is %i, with the time to wait', async (why, expected, says) => {
    const wish: TesterWish = { ok: false, why, wait: 4_100 };
    for (const path of ['/api/report', '/federationtester']) {
      const { status, headers, body } = await ask(`${path}?server_name=example.com`, wish);
      expect([status, headers['Retry-After']]).toEqual([expected, '5']);
      expect(body).toContain(says);
    }
  });

  it('names are decoded, trimmed and bounded', async () => {
    expect((await ask('/api/report?server_name=%20%5B2001:db8::1%5D:8448+')).asked).toEqual(['[2001:db8::1]:8448']);
    expect((await ask(`/api/report?server_name=${'a'.repeat(5_000)}`)).asked[0]).toHaveLength(300);
    expect((await ask('/api/report?server_name=%ff%zz&server_name=b')).asked).toEqual(['\ufffd%zz']);
  });
});

describe('the page', () => {
  it('is a form without a name', async () => {
    const { status, contentType, headers, body, asked } = await ask('/federationtester');
    expect([status, contentType, asked]).toEqual([200, 'text/html; charset=utf-8', []]);
    expect(headers['Content-Security-Policy']).toContain("default-src 'none'");
    expect(headers['X-Content-Type-Options']).toBe('nosniff');
    expect(body).toContain('<form method="get" action="/federationtester">');
  });

  it('is the report with one', async () => {
    const { body } = await ask('/federationtester?server_name=example.com', done(broken));
    expect(body).toContain('Federation with example.com does not work');
  });

  it('says that a test is under way, rather than to keep somebody waiting', async () => {
    const wish: TesterWish = { ok: true, report: new Promise(() => {}) };
    const { status, body } = await ask('/federationtester?server_name=example.com', wish);
    expect(status).toBe(200);
    expect(body).toContain('example.com is being tested');
    expect(body).toContain('http-equiv="refresh"');
  });
});
