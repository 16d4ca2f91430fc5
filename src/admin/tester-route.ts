import { TESTER_PATHS } from '../base/tester-paths.ts';
import type { Facts } from '../federation-tester/facts.ts';
import { type PageContent, renderPage } from '../federation-tester/render-html.ts';
import { CONTENT_SECURITY_POLICY } from '../federation-tester/render-html-style.ts';
import { renderJson } from '../federation-tester/render-json.ts';
import { viewReport } from '../federation-tester/render-view.ts';
import type { Verdict } from '../federation-tester/verdict.ts';

/** One test, done. */
export interface TesterReport {
  readonly facts: Facts;
  readonly verdict: Verdict;
  /** When it was judged; milliseconds since the epoch. */
  readonly at: number;
}

/** What becomes of the wish for a test. Rejects when the sidecar is stopping. */
export type TesterWish =
  | { readonly ok: true; readonly report: Promise<TesterReport> }
  /** `wait` in milliseconds. */
  | { readonly ok: false; readonly why: 'busy' | 'too-often'; readonly wait: number };

export interface TesterSources {
  /** A test of this server, shared with whoever asks for the same. */
  test(serverName: string): TesterWish;
  /** Whether the status page is beside it: it is the operator's. */
  readonly besideStatus: boolean;
  /** Resolves after so many milliseconds. */
  sleep(ms: number): Promise<undefined>;
}

export interface TesterAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/** Milliseconds that the page waits before it says that a test takes its time. */
const PATIENCE = 1_500;
/** Characters; a server name has 261 at most, and who gives more is told so by the report. */
const LONGEST = 300;

/** As on the public tester: programs on other sites may ask. */
const CORS = ['Access-Control-Allow-Origin', '*'];
const HTML = { contentType: 'text/html; charset=utf-8' } as const;
const PAGE_HEADERS = [
  'Content-Security-Policy',
  CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options',
  'nosniff',
  'Referrer-Policy',
  'no-referrer',
];

/**
 * The page, and the public tester's API (matrix-org/matrix-federation-tester, main.go): 405 but for GET, 400 without
 * server_name, the report, GOOD or BAD. `target` is one of `TESTER_PATHS` with its query.
 */
export async function answerTester(method: string, target: string, sources: TesterSources): Promise<TesterAnswer> {
  const path = target.split('?')[0]!;
  if (method !== 'GET') return text(405, 'Only GET is served here.\n', ['Allow', 'GET']);
  const serverName = readServerName(target);
  if (path === TESTER_PATHS.page) return answerPage(serverName, sources);
  if (serverName === '') return text(400, 'Missing server_name: ask for ?server_name=example.com\n');
  const wish = sources.test(serverName);
  if (!wish.ok) return refuse(wish);
  const { facts, verdict, at } = await wish.report;
  if (path === TESTER_PATHS.ok) return text(200, verdict.federationOk ? 'GOOD' : 'BAD');
  return { status: 200, contentType: 'application/json', headers: CORS, body: renderJson(facts, verdict, at) };
}

async function answerPage(serverName: string, sources: TesterSources): Promise<TesterAnswer> {
  const { besideStatus } = sources;
  const page = (status: number, content: PageContent): TesterAnswer => {
    return { status, ...HTML, headers: PAGE_HEADERS, body: renderPage(content, { besideStatus }) };
  };
  if (serverName === '') return page(200, { kind: 'form' });
  const wish = sources.test(serverName);
  if (!wish.ok) {
    const answer = page(wish.why === 'busy' ? 503 : 429, { kind: 'refused', serverName, why: sayRefusal(wish) });
    return { ...answer, headers: [...answer.headers, ...retryAfter(wish)] };
  }
  const report = await Promise.race([wish.report, sources.sleep(PATIENCE)]);
  if (report === undefined) return page(200, { kind: 'running', serverName });
  const view = viewReport(report.facts, report.verdict, report.at);
  return page(200, { kind: 'report', serverName, view });
}

function readServerName(target: string): string {
  const query = target.indexOf('?');
  if (query === -1) return '';
  return (new URLSearchParams(target.slice(query + 1)).get('server_name') ?? '').trim().slice(0, LONGEST);
}

type Refusal = Extract<TesterWish, { readonly ok: false }>;

function sayRefusal({ why, wait }: Refusal): string {
  const what = why === 'busy' ? 'Other tests are under way.' : 'There were many tests from your network.';
  return `${what} Try again in ${secondsOf(wait)} s.`;
}

function refuse(refusal: Refusal): TesterAnswer {
  return text(refusal.why === 'busy' ? 503 : 429, `${sayRefusal(refusal)}\n`, retryAfter(refusal));
}

function retryAfter({ wait }: Refusal): readonly string[] {
  return ['Retry-After', String(secondsOf(wait))];
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}

function text(status: number, body: string, headers: readonly string[] = []): TesterAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', headers: [...CORS, ...headers], body };
}
