import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { createLineWriter } from '../../src/observe/line-writer.ts';
import { pause, until } from '../harness/until.ts';

/** A pipe that does not block, as standard output is. */
async function openPipe(): Promise<{ readonly descriptor: number; read(): string }> {
  const folder = await mkdtemp(join(tmpdir(), 'pipe-'));
  const path = join(folder, 'pipe');
  spawnSync('mkfifo', [path]);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(async () => {
    closeSync(descriptor);
    await rm(folder, { recursive: true, force: true });
  });
  const bytes = Buffer.alloc(64 * 1024);
  return {
    descriptor,
    read() {
      try {
        return bytes.toString('latin1', 0, readSync(descriptor, bytes));
      } catch {
        return '';
      }
    },
  };
}

function openWriter(descriptor: number) {
  const news: string[] = [];
  const writer = createLineWriter(descriptor, {
    system: realSystem,
    onLost(lines, why) {
      news.push(why);
      writer.write(`lost ${lines}\n`);
    },
  });
  return { writer, news };
}

describe('A line writer', () => {
  it('writes lines in their order, whole', async () => {
    const pipe = await openPipe();
    const { writer, news } = openWriter(pipe.descriptor);
    const lines = Array.from({ length: 500 }, (_, index) => `${index} ${'é'.repeat(index)}\n`);
    for (const line of lines) writer.write(line);
    let seen = '';
    const size = Buffer.byteLength(lines.join(''));
    await until('all are read', () => {
      seen += pipe.read();
      return seen.length >= size;
    });
    expect(Buffer.from(seen, 'latin1').toString()).toBe(lines.join(''));
    expect(news).toEqual([]);
  });

  it('keeps 1 MiB for a reader that is too slow, and says once how many lines were lost when there is room', async () => {
    const pipe = await openPipe();
    const { writer, news } = openWriter(pipe.descriptor);
    const line = (index: number): string => `${String(index).padStart(6, '0')}${'x'.repeat(93)}\n`;
    const most = 30_000;
    const began = performance.now();
    for (let index = 0; index < most; index++) writer.write(line(index));
    expect(performance.now() - began).toBeLessThan(2_000);
    await pause(100);
    writer.write(line(most));
    let seen = '';
    await until('the news is read', () => {
      seen += pipe.read();
      return seen.includes('lost');
    });
    writer.write('after\n');
    await until('it goes on', () => {
      seen += pipe.read();
      return seen.endsWith('after\n');
    });
    const lines = seen.trimEnd().split('\n');
    const kept = lines.slice(0, -2);
    expect(kept.length).toBeGreaterThan(10_000);
    expect(kept.length).toBeLessThan(12_000);
    expect(kept).toEqual(kept.map((_, index) => line(index).trimEnd()));
    expect(lines.slice(-2)).toEqual([`lost ${most + 1 - kept.length}`, 'after']);
    expect(news).toEqual(['its reader is too slow']);
  });

  it('loses a line that is larger than all that may wait, and no other', async () => {
    const pipe = await openPipe();
    const { writer } = openWriter(pipe.descriptor);
    writer.write(`${'x'.repeat(2 * 1024 * 1024)}\n`);
    writer.write('after\n');
    let seen = '';
    await until('both are read', () => {
      seen += pipe.read();
      return seen.endsWith('after\n');
    });
    expect(seen).toBe('lost 1\nafter\n');
  });

  it.skipIf(process.platform !== 'linux')('throws nothing and uses no time while a disk is full', async () => {
    // Not closed: it is tried again and again, and whatever has the number by then is not to be written to.
    const descriptor = openSync('/dev/full', 'w');
    const { writer, news } = openWriter(descriptor);
    const busyBefore = process.cpuUsage();
    for (let index = 0; index < 100; index++) writer.write(`${index}\n`);
    await pause(600);
    const { user, system } = process.cpuUsage(busyBefore);
    expect(user + system).toBeLessThan(300_000);
    expect(news).toEqual([]);
  });

  it('gives up where nobody can read any more', async () => {
    const descriptor = openSync('/dev/null', 'r');
    const { writer, news } = openWriter(descriptor);
    writer.write('one\n');
    await pause(50);
    // What has the number by then is not written to.
    closeSync(descriptor);
    for (let index = 0; index < 20_000; index++) writer.write(`${'x'.repeat(200)}\n`);
    await pause(50);
    expect(news).toEqual([]);
  });
});
