import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Page } from 'playwright-core';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];

function findChromium(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/snap/bin'];
  const named = process.env['CHROMIUM'];
  const paths = [
    ...(named === undefined ? [] : [named]),
    ...PROGRAMS.flatMap((name) => folders.map((at) => join(at, name))),
  ];
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The browser that is tested with, or why there is none. With `REQUIRE_PEERS=1` there has to be one. */
export function requireChromium(): { readonly program: string | undefined; readonly missing: string | undefined } {
  const program = findChromium();
  const missing =
    program === undefined ? 'no chromium on PATH, and no CHROMIUM (Debian: apt-get install chromium)' : undefined;
  if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') throw new Error(missing);
  return { program, missing };
}

/** Windows in which a page has to be good. */
export const VIEWS = [
  { device: 'a phone', width: 360, height: 740, scheme: 'light' },
  { device: 'a phone', width: 360, height: 740, scheme: 'dark' },
  { device: 'a desktop', width: 1280, height: 900, scheme: 'light' },
  { device: 'a desktop', width: 1280, height: 900, scheme: 'dark' },
] as const;

/** A computed style; written as text, since it is the browser that runs it. */
export function style(page: Page, selector: string, property: string): Promise<unknown> {
  return page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(selector)})).${property}`);
}

/** What is wider than the window, which nobody sees who does not scroll. */
export async function findOverflow(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll('body *')].flatMap((node) => {
    const { left, right, width } = node.getBoundingClientRect();
    const isSkip = node.matches('.skip');
    return width > 0 && !isSkip && (left < 0 || right > innerWidth + 0.5) ? [node.outerHTML.slice(0, 80)] : [];
  })`);
}
