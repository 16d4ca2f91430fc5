import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CONTENT_SECURITY_POLICY, renderStatusPage } from '../../src/admin/page/render-status-page.ts';
import type { Status } from '../../src/admin/status.ts';
import { certificate, instance, server, status } from '../admin/made-status.ts';
import { inTrouble, wellOff } from '../admin/shown-status.ts';
import { startTestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream } from '../harness/upstream.ts';
import { findOverflow, requireChromium, style, VIEWS } from './chromium.ts';

const { program, missing } = requireChromium();
/** Where to put pictures of the pages, for people to look at. */
const pictures = process.env['SCREENSHOTS'];

const LONG = 'a-server-with-a-name-that-is-as-long-as-names-can-well-be.'.repeat(4);
/** Whatever others can make of it. */
const strange = (): Status =>
  status({
    servers: [
      server(`${LONG}test`, {
        ...{ delegate_to: `${LONG}test:443`, delegate_by: 'both', requests_held: 123_456_789 },
        instances: [instance({ place: `http://${LONG}:8008`, address: `${LONG}:8008`, state: 'ejected', why: LONG })],
      }),
      server('<b>שרת.example</b>'),
    ],
    certificates: [
      certificate({ names: Array.from({ length: 100 }, (_, nth) => `${nth}.${LONG}test`), obstacle: LONG }),
    ],
    listeners: { https: [`[${LONG}]:443`] },
    peers: [
      { origin: `${LONG}test`, requests: 9_999_999_999 },
      { origin: '<script>alert(1)</script>', requests: 1 },
    ],
    logged: [
      {
        ...{ level: 'error', code: LONG, what: `${LONG}${LONG}`, fix: '漢字'.repeat(200), times: 1_000_000 },
        ...{ first_at: status().at, last_at: status().at },
      },
    ],
  });

const PAGES = [
  ['well', wellOff],
  ['trouble', inTrouble],
  ['nothing', status],
  ['strange', strange],
] as const;

describe.skipIf(missing !== undefined)(`the status page in Chromium${missing ? ` (${missing})` : ''}`, () => {
  let browser: Browser;
  let context: BrowserContext | undefined;
  let front: Server;
  /** What the admin listener says; undefined: it hangs up. */
  let shown: Status | undefined;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: program!, args: ['--no-sandbox'] });
    front = createServer((request, response) => {
      if (shown === undefined) return void request.socket.destroy();
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
      response.end(renderStatusPage(shown));
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(() => {
    shown = wellOff();
  });
  afterEach(() => context?.close());
  afterAll(async () => {
    await browser?.close();
    front?.closeAllConnections();
    await new Promise((resolve) => front?.close(resolve));
  });

  type View = { width: number; height: number; scheme: 'light' | 'dark' };

  async function open({ width, height, scheme }: View = VIEWS[2], javaScriptEnabled = true): Promise<Page> {
    await context?.close();
    context = await browser.newContext({ javaScriptEnabled, colorScheme: scheme, viewport: { width, height } });
    const page = await context.newPage();
    if (javaScriptEnabled) await page.clock.install();
    await page.goto(`http://127.0.0.1:${(front.address() as AddressInfo).port}/`);
    return page;
  }

  describe.each(VIEWS)('on $device of $width pixels in $scheme colours', (view) => {
    it.each(PAGES)('fits whatever it shows, and can be read: %s', async (name, make) => {
      shown = make();
      const page = await open(view);
      expect(await findOverflow(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(view.width);
      expect(await style(page, 'body', 'backgroundColor')).toBe(
        view.scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(13, 17, 23)',
      );
      expect(await findFaint(page)).toEqual([]);
      if (pictures !== undefined) {
        const device = view.device.split(' ').at(-1);
        await page.screenshot({ path: join(pictures, `${name}-${device}-${view.scheme}.png`), fullPage: true });
      }
    });
  });

  it.each([1_030, 1_100, 1_280, 1_400])(
    'has each place on a line of its own in a window of %d pixels',
    async (width) => {
      const page = await open({ width, height: 800, scheme: 'light' });
      const lines = await page.evaluate(
        `[...document.querySelectorAll('.where code')].map((node) => node.getClientRects().length)`,
      );
      expect(new Set(lines as number[])).toEqual(new Set([1]));
    },
  );

  it('is used with the keyboard: the skip link, the pages, then what is on the page, each with its outline', async () => {
    const page = await open();
    const seen: string[] = [];
    for (let step = 0; step < 9; step++) {
      await page.keyboard.press('Tab');
      seen.push(await page.locator(':focus').innerText());
      expect(await style(page, ':focus', 'outlineStyle')).toBe('solid');
      expect(await page.locator(':focus').isVisible()).toBe(true);
    }
    expect(seen).toEqual([
      ...['Skip to the status', 'Status', 'Federation tester', 'JSON', 'Metrics', 'Readiness', 'Health'],
      ...['Test its federation', 'Test its federation'],
    ]);
  });

  it('says what a screen reader needs: landmarks, headings in order, tables with names, drawings in words', async () => {
    shown = inTrouble();
    const page = await open();
    for (const landmark of ['banner', 'navigation', 'main', 'contentinfo'] as const)
      expect([landmark, await page.getByRole(landmark).count()]).toEqual([landmark, 1]);
    for (const name of ['Homeservers', 'Certificates', 'Last warnings', 'Traffic', 'Busiest servers', 'Listeners'])
      expect([name, await page.getByRole('region', { name }).count()]).toEqual([name, 1]);
    const levels = await page
      .locator('h1, h2, h3, h4')
      .evaluateAll((all) => all.map((node) => Number(node.tagName[1])));
    expect(levels.every((level, index) => level <= (levels[index - 1] ?? 0) + 1)).toBe(true);
    expect(await page.getByRole('table', { name: 'example.com' }).getByRole('columnheader').allInnerTexts()).toEqual([
      'Place',
      'State',
      'Requests now',
    ]);
    expect(
      await page.getByRole('img', { name: /^Requests per second over the last 10 minutes: 5\d on average/ }).count(),
    ).toBe(1);
    expect(
      await page
        .getByRole('img', { name: /^Issued 81 days ago, expires in 9 days; 90% of the lifetime is over/ })
        .count(),
    ).toBe(1);
    expect(await page.getByRole('status').innerText()).toContain('Trouble');
    // Two links with the same words lead to different places: their place tells them apart.
    expect(await page.getByRole('link', { name: 'Test its federation: example.org' }).count()).toBe(1);
  });

  it('keeps itself up to date without losing focus, selection, what is unfolded, or its place', async () => {
    shown = {
      ...wellOff(),
      certificates: [certificate({ names: Array.from({ length: 9 }, (_, nth) => `n${nth}.test`) })],
    };
    const page = await open();
    await page.getByText('and 5 more').click();
    const link = page.getByRole('link', { name: 'Test its federation: example.com' });
    await link.focus();
    await page.evaluate('scrollTo(0, 200); getSelection().selectAllChildren(document.querySelector("h2"))');
    await page.evaluate('document.body.dataset.same = "yes"');
    shown = { ...shown, requests_in_flight: 7_777, peers: [{ origin: 'new.test', requests: 5 }] };
    await page.clock.runFor(10_500);
    await page.getByText('7,777').waitFor();
    expect(await page.getByText('new.test').count()).toBe(1);
    expect(await link.evaluate((node) => node === node.ownerDocument.activeElement)).toBe(true);
    expect(await page.evaluate('[scrollY, getSelection().toString(), document.body.dataset.same]')).toEqual([
      200,
      expect.stringMatching(/^All is well/),
      'yes',
    ]);
    expect(await page.locator('details').getAttribute('open')).toBe('');
  });

  it('has its title and its headline follow, and says since when there is no answer', async () => {
    const page = await open();
    shown = inTrouble();
    await page.clock.runFor(10_500);
    await page.getByRole('heading', { name: /has been away since/ }).waitFor();
    expect(await page.title()).toBe('Trouble – matrix-sidecar');
    shown = undefined;
    await page.clock.runFor(10_500);
    const alert = page.getByRole('alert');
    await alert.getByText(/^The sidecar has not answered since \d\d:\d\d:\d\d UTC\./).waitFor();
    shown = wellOff();
    await page.clock.runFor(10_500);
    await alert.waitFor({ state: 'hidden' });
    expect(await page.title()).toBe('In order – matrix-sidecar');
  });

  it('is loaded anew as a whole after an upgrade', async () => {
    const page = await open();
    await page.evaluate('document.body.dataset.same = "yes"');
    shown = { ...wellOff(), version: '9.9.9' };
    await page.clock.runFor(10_500);
    await page.getByText('matrix-sidecar 9.9.9').waitFor();
    expect(await page.evaluate('document.body.dataset.same')).toBeUndefined();
  });

  it('shows the same without JavaScript, and asks the browser to load it again', async () => {
    const page = await open(VIEWS[2], false);
    expect(await page.getByRole('heading', { level: 2 }).innerText()).toMatch(/^All is well/);
    expect(await page.locator('meta[http-equiv="refresh"]').getAttribute('content')).toBe('10');
  });

  it('of a running sidecar loads nothing but itself, breaks none of its own rules, and leads to the tester and back', async () => {
    const upstream = await startHttpUpstream((_request, response) => void response.end('{}'));
    const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
    try {
      const page = await open();
      const [requests, complaints]: [string[], string[]] = [[], []];
      page.on('request', (request) => requests.push(new URL(request.url()).pathname));
      page.on('console', (message) => complaints.push(message.text()));
      await page.goto(`http://127.0.0.1:${sidecar.admin}/`);
      await page.clock.runFor(10_500);
      await expect.poll(() => requests.length).toBe(2);
      expect([requests, complaints]).toEqual([['/', '/'], []]);
      await page.getByRole('link', { name: 'Federation tester' }).click();
      await page.getByLabel('Server name').waitFor();
      await page.getByRole('link', { name: 'Status' }).click();
      await page.getByRole('heading', { name: /^All is well: a\.test is up/ }).waitFor();
      expect(complaints).toEqual([]);
    } finally {
      await sidecar.close();
      await upstream.close();
    }
  });
});

/** Text whose contrast with what is behind it is under 4.5 to 1 (WCAG 2.2, 1.4.3), as the browser has painted it. */
function findFaint(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const read = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const luminance = (colour) => {
      const [r, g, b] = read(colour).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (node) => {
      const { backgroundColor } = getComputedStyle(node);
      return (read(backgroundColor)[3] ?? 1) === 0 && node.parentElement ? ground(node.parentElement) : backgroundColor;
    };
    return [...document.querySelectorAll('body *')].flatMap((node) => {
      const text = [...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data.trim()).join('');
      if (text === '' || ['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(node.tagName)) return [];
      const [a, b] = [luminance(getComputedStyle(node).color), luminance(ground(node))].sort((x, y) => x - y);
      return (b + 0.05) / (a + 0.05) < 4.5 ? [text.slice(0, 60)] : [];
    });
  })()`);
}
