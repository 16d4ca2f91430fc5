import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTesterGround, type TesterGround } from '../harness/tester-ground.ts';
import { findOverflow, requireChromium, style, VIEWS } from './chromium.ts';

const { program, missing } = requireChromium();

describe.skipIf(missing !== undefined)(
  `the tester's page in Chromium, without JavaScript${missing ? ` (${missing})` : ''}`,
  () => {
    let ground: TesterGround;
    let browser: Browser;
    let context: BrowserContext | undefined;
    const names: Record<'good' | 'bad' | 'soon' | 'slow', string> = { good: '', bad: '', soon: '', slow: '' };

    beforeAll(async () => {
      ground = await openTesterGround();
      const start = async (name: string, options = {}) => (await ground.startTarget(name, options)).serverName;
      names.good = await start('good.test');
      names.bad = await start('a-server-with-a-name-that-is-as-long-as-names-can-well-be.bad.test', {
        front: (request: { url?: string }, _response: unknown, pass: (target: string) => void) =>
          pass(decodeURIComponent(request.url ?? '')),
      });
      names.soon = await start('soon.test', { days: 3 });
      names.slow = await start('slow.test', {
        front: (_request: unknown, _response: unknown, pass: () => void) => void setTimeout(pass, 1_200),
      });
      browser = await chromium.launch({ executablePath: program!, args: ['--no-sandbox'] });
    });
    afterEach(() => context?.close());
    afterAll(async () => {
      await browser?.close();
      await ground?.close();
    });

    async function open(view: { width: number; height: number; scheme: 'light' | 'dark' } = VIEWS[0]): Promise<Page> {
      const { width, height, scheme } = view;
      context = await browser.newContext({
        javaScriptEnabled: false,
        colorScheme: scheme,
        viewport: { width, height },
      });
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${ground.sidecar.admin}/federationtester`);
      return page;
    }

    /** Types the name, presses Enter, and waits for the report as a person does: the page comes back by itself. */
    async function test(page: Page, serverName: string): Promise<void> {
      await page.getByLabel('Server name').fill(serverName);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 3 }).first().waitFor({ timeout: 30_000 });
    }

    describe.each(VIEWS)('on $device of $width pixels in $scheme colours', (view) => {
      it('has its own colours', async () => {
        const page = await open(view);
        const ground = await style(page, 'body', 'backgroundColor');
        expect(ground).toBe(view.scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(13, 17, 23)');
      });
    });

    it.each([VIEWS[1], VIEWS[2]])('fits on $device of $width pixels, whatever the report says', async (view) => {
      const page = await open(view);
      expect(await findOverflow(page)).toEqual([]);
      for (const name of [names.good, names.bad, names.soon, '<b>@alice:example.com']) {
        await test(page, name);
        expect([name, await findOverflow(page)]).toEqual([name, []]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(view.width);
      }
    });

    it('tells by words and shapes, not by colour alone, how a test ended', async () => {
      const page = await open();
      const seen: string[][] = [];
      for (const name of [names.good, names.soon, names.bad]) {
        await test(page, name);
        seen.push([await page.locator('.verdict .word').innerText(), await page.locator('.verdict .mark').innerText()]);
      }
      expect(seen).toEqual([
        ['Works', '✓'],
        ['Works, with a warning', '!'],
        ['Does not work', '✗'],
      ]);
    });

    it('is used with the keyboard alone: the field has the focus, Tab leads to the button, and both show it', async () => {
      const page = await open();
      expect(await page.locator(':focus').getAttribute('name')).toBe('server_name');
      expect(await style(page, ':focus', 'outlineStyle')).toBe('solid');
      await page.keyboard.type(names.good);
      await page.keyboard.press('Tab');
      expect([await page.locator(':focus').innerText(), await style(page, ':focus', 'outlineStyle')]).toEqual([
        'Test',
        'solid',
      ]);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: `Federation with ${names.good} works.` }).waitFor();
      expect(await page.title()).toBe(`Works: ${names.good} – Federation tester`);
    });

    it('says what a screen reader needs: landmarks, headings in order, a name for every control', async () => {
      const page = await open();
      await test(page, names.bad);
      for (const landmark of ['banner', 'main', 'contentinfo'] as const) {
        expect([landmark, await page.getByRole(landmark).count()]).toEqual([landmark, 1]);
      }
      expect(await page.getByRole('region', { name: /does not work/ }).count()).toBe(1);
      const levels = await page
        .locator('h1, h2, h3, h4')
        .evaluateAll((all) => all.map((node) => Number(node.tagName[1])));
      expect(levels.slice(0, 4)).toEqual([1, 2, 3, 4]);
      expect(levels.every((level, index) => level <= (levels[index - 1] ?? 0) + 1)).toBe(true);
      expect(
        await page.getByRole('heading', { name: 'Error Paths with escaped characters are changed on the way' }).count(),
      ).toBe(1);
      // Marks are drawings: their meaning stands beside them in words.
      expect(await page.locator('.mark:not([aria-hidden="true"])').count()).toBe(0);
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
    });

    it('comes back by itself while a test takes its time', async () => {
      const page = await open();
      await page.getByLabel('Server name').fill(names.slow);
      await page.getByRole('button', { name: 'Test' }).click();
      await page.getByText('is being tested').waitFor();
      await page.getByRole('heading', { name: `Federation with ${names.slow} works.` }).waitFor({ timeout: 30_000 });
    });

    it('loads nothing but itself, and breaks none of its own rules', async () => {
      const page = await open();
      const requests: string[] = [];
      const complaints: string[] = [];
      page.on('request', (request) => requests.push(new URL(request.url()).pathname));
      page.on('console', (message) => complaints.push(message.text()));
      await test(page, names.good);
      expect([...new Set(requests)]).toEqual(['/federationtester']);
      expect(complaints).toEqual([]);
      await page.getByRole('link', { name: 'This report as JSON' }).click();
      expect(JSON.parse(await page.locator('body').innerText())).toMatchObject({ FederationOK: true });
    });
  },
);
