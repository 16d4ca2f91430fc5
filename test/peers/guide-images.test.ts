import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderStatusPage } from '../../src/admin/page/render-status-page.ts';
import { inTrouble, wellOff } from '../admin/shown-status.ts';
import { openTesterGround, type TesterGround } from '../harness/tester-ground.ts';
import { requireChromium } from './chromium.ts';

const { program, missing } = requireChromium();

const ROOT = join(import.meta.dirname, '../..');
/** With UPDATE_DOCS=1 the pictures are taken anew; without, they are only compared. */
const UPDATES = process.env['UPDATE_DOCS'] === '1';
const MOST_BYTES = 150_000;

/** The pictures of the guides: a file in docs/images, and in which view which page is on it. */
const PICTURES = [
  { file: 'tester-wide.png', page: 'tester', width: 1_000, height: 760, scheme: 'light' },
  { file: 'tester-phone.png', page: 'tester', width: 390, height: 760, scheme: 'dark' },
  { file: 'status-wide.png', page: 'status', width: 1_100, height: 800, scheme: 'light' },
  { file: 'status-phone.png', page: 'trouble', width: 390, height: 760, scheme: 'dark' },
] as const;
type Picture = (typeof PICTURES)[number];

/** What differs from run to run, written as it would be: in the page itself, so that pictures have it too. */
const TIDY = `for (const walker = document.createTreeWalker(document.body, 4); walker.nextNode(); )
  walker.currentNode.data = walker.currentNode.data
    .replace(/127\\.0\\.0\\.1:[1-9]\\d{4}/g, '203.0.113.10:8448')
    .replace(/(:|port )[1-9]\\d{4}\\b/g, (_, before) => before + '8448')
    .replace(/took [\\d.]+ m?s/g, 'took 0.4 s')
    .replace(/\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC/g, '2026-06-01 12:00 UTC');
for (const input of document.querySelectorAll('input')) input.value = input.value.replace(/:[1-9]\\d{4}$/, ':8448');`;

/** Width and height of a PNG (its first chunk, IHDR). */
function readSize(png: Buffer): { readonly width: number; readonly height: number } {
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
}

describe.skipIf(missing !== undefined)(`the pictures of the guides${missing ? ` (${missing})` : ''}`, () => {
  let ground: TesterGround;
  let browser: Browser;
  let serverName: string;
  beforeAll(async () => {
    ground = await openTesterGround();
    // A proxy that decodes paths, as many do.
    const target = await ground.startTarget('matrix.test', {
      front: (request, _response, pass) => pass(decodeURIComponent(request.url ?? '')),
    });
    serverName = target.serverName;
    browser = await chromium.launch({ executablePath: program!, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await ground?.close();
  });

  async function openPage({ width, height, scheme }: Picture): Promise<Page> {
    const viewport = { width, height };
    const context = await browser.newContext({ javaScriptEnabled: false, colorScheme: scheme, viewport });
    return context.newPage();
  }

  /** The status of a deployment of some size, which is not to be had in a test. */
  async function openStatus(picture: Picture): Promise<Page> {
    const page = await openPage(picture);
    await page.setContent(renderStatusPage(picture.page === 'status' ? wellOff() : inTrouble()));
    return page;
  }

  async function openReport(picture: Picture): Promise<Page> {
    const page = await openPage(picture);
    await page.goto(`http://127.0.0.1:${ground.sidecar.admin}/federationtester`);
    await page.getByLabel('Server name').fill(serverName);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 3 }).first().waitFor({ timeout: 30_000 });
    await page.evaluate(TIDY);
    await page.evaluate('document.activeElement?.blur()');
    return page;
  }

  it.each(PICTURES)('$file is as the page is now, and small', async (picture) => {
    const path = join(ROOT, 'docs/images', picture.file);
    const page = await (picture.page === 'tester' ? openReport(picture) : openStatus(picture));
    try {
      const taken = await page.screenshot();
      if (UPDATES) {
        mkdirSync(join(ROOT, 'docs/images'), { recursive: true });
        writeFileSync(path, taken);
      }
      await expect(`${await page.locator('body').innerText()}\n`).toMatchFileSnapshot(
        join(ROOT, `test/golden/images/${picture.page}.txt`),
      );
      const { width, height } = picture;
      const kept = readFileSync(path);
      expect([readSize(taken), readSize(kept)]).toEqual([
        { width, height },
        { width, height },
      ]);
      expect(kept.length).toBeLessThan(MOST_BYTES);
      // Fonts differ from machine to machine; a page that is empty, or another one, differs by more.
      expect(Math.abs(kept.length - taken.length)).toBeLessThan(taken.length / 2);
    } finally {
      await page.context().close();
    }
  });
});
