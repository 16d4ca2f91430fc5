import { describe, expect, it } from 'vitest';
import type { Status } from '../../src/admin/status.ts';
import { createStatusPage } from '../../src/admin/status-page.ts';
import { realSystem } from '../../src/base/system.ts';
import { status } from './made-status.ts';

function setUp(tell: () => Status | Promise<Status> = () => status()) {
  const clock = { now: 0 };
  const counted = { asked: 0 };
  const page = createStatusPage({
    system: { ...realSystem, monotonic: () => clock.now },
    status() {
      counted.asked++;
      return tell();
    },
  });
  return { page, clock, counted };
}

describe('the status page', () => {
  it('is made once however many ask in the same second', async () => {
    const { page, clock, counted } = setUp();
    const pages = await Promise.all(Array.from({ length: 1_000 }, page));
    clock.now = 999;
    pages.push(await page());
    expect(counted.asked).toBe(1);
    expect(new Set(pages).size).toBe(1);
    clock.now = 1_000;
    await page();
    expect(counted.asked).toBe(2);
  });

  it('is not asked for again while the first answer takes its time', async () => {
    let tell: (status: Status) => void = () => {};
    const { page, clock, counted } = setUp(() => new Promise((resolve) => (tell = resolve)));
    const [first] = [page()];
    await Promise.resolve();
    clock.now = 5_000;
    const second = page();
    await expect.poll(() => counted.asked).toBe(1);
    tell(status());
    expect(await second).toBe(await first);
  });

  it('that could not be made is tried again at once', async () => {
    let fail = true;
    const { page } = setUp(() => {
      if (fail) throw new Error('a defect');
      return status();
    });
    await expect(page()).rejects.toThrow('a defect');
    fail = false;
    expect((await page()).html).toContain('All is well');
  });
});
