import { type ChildProcess, spawn } from 'node:child_process';
import { unlinkSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { System } from '../../src/base/system.ts';
import { createFileStore } from '../../src/store/files.ts';
import { writeLeaseRecord } from '../../src/store/lease-record.ts';
import type { Store } from '../../src/store/store.ts';
import { isThorough } from '../harness/thorough.ts';
import { createManualSystem, type ManualSystem } from '../tls/manual-system.ts';
import { advanceSlowly } from './advance-slowly.ts';

const CHILD = join(import.meta.dirname, 'take-leases.ts');
const linux = process.platform === 'linux';

let folder: string;
let root: string;
let clock: ManualSystem;
const stores: Store[] = [];
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sidecar-leases-'));
  root = join(folder, 'store');
  clock = createManualSystem();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const store of stores.splice(0)) await store.close();
  await rm(folder, { recursive: true, force: true });
});

function open(system: System = clock): Store {
  const store = createFileStore(root, { system });
  stores.push(store);
  return store;
}

function start(...args: string[]): { child: ChildProcess; output: () => string; ended: Promise<void> } {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  return { child, output: () => output, ended: new Promise((resolve) => child.once('close', () => resolve())) };
}

const pathOf = (name: string, generation: number): string => join(root, '.leases', name, `.generation-${generation}`);
const readRecord = (name: string, generation: number): Promise<string> => readFile(pathOf(name, generation), 'utf8');

/** A lease as another machine left it: whether its holder lives cannot be known here. */
async function leaveLease(name: string, generation: number, text?: string): Promise<void> {
  await mkdir(join(root, '.leases', name), { recursive: true });
  const record = { state: 'held', renewals: 3, holder: 'elsewhere', host: 'another-machine' } as const;
  await writeFile(pathOf(name, generation), text ?? writeLeaseRecord(record), { mode: 0o600 });
}

describe('the lease of a file store', () => {
  it('is a file that says who holds it, to its owner only, and the values know nothing of it', async () => {
    const store = open();
    await store.acquireLease('acme/keeper');
    const text = await readRecord('acme/keeper', 1);
    expect(text).toMatch(/^held {5}000000000000 \{/);
    if (linux) expect(text).toContain(`"pid":${process.pid},`);
    expect(await store.list('')).toEqual([]);
  });

  it('is never taken from another machine whose heartbeat goes on, whatever the clocks say', async () => {
    const store = open();
    await leaveLease('keeper', 7);
    for (let beat = 0; beat < 20; beat += 1) {
      const record = { state: 'held', renewals: beat, holder: 'elsewhere', host: 'another-machine' } as const;
      await writeFile(pathOf('keeper', 7), writeLeaseRecord(record));
      expect(await store.acquireLease('keeper')).toBeUndefined();
      await clock.advance(15_000);
    }
  });

  it.each([
    ['whose heartbeat stopped', undefined],
    ['who died when it began to write', ''],
    ['who died in the middle of a write', 'held     00000'],
    ['whose disk was full of other things', '{"state":"held"}'],
  ])('is taken after 20 s from another machine %s, not earlier', async (_, text) => {
    const store = open();
    await leaveLease('keeper', 7, text);
    expect(await store.acquireLease('keeper')).toBeUndefined();
    await clock.advance(19_900);
    expect(await store.acquireLease('keeper')).toBeUndefined();
    await clock.advance(100);
    expect((await store.acquireLease('keeper'))?.generation).toBe(8);
    expect(await readdir(join(root, '.leases/keeper'))).toEqual(['.generation-8']);
  });

  it.runIf(linux)('is taken at once from a process of this machine that was killed', async () => {
    const { child, output, ended } = start('hold', folder, 'keeper');
    for (let attempt = 0; attempt < 400 && output() === ''; attempt += 1) await new Promise((r) => setTimeout(r, 25));
    expect(output().trim()).toBe('1');
    const store = open();
    expect(await store.acquireLease('keeper')).toBeUndefined();
    child.kill('SIGKILL');
    await ended;
    expect((await store.acquireLease('keeper'))?.generation).toBe(2);
  });

  it.runIf(linux)('is taken from a process that is stopped only after five minutes', async () => {
    const { child, output } = start('hold', folder, 'keeper');
    for (let attempt = 0; attempt < 400 && output() === ''; attempt += 1) await new Promise((r) => setTimeout(r, 25));
    child.kill('SIGSTOP');
    const store = open();
    for (const wait of [0, 60_000, 239_000]) {
      await clock.advance(wait);
      expect(await store.acquireLease('keeper')).toBeUndefined();
    }
    await clock.advance(1_000);
    expect((await store.acquireLease('keeper'))?.generation).toBe(2);
  });

  it.runIf(linux)('is taken at once when the number of its holder is that of another process by now', async () => {
    const store = open();
    await (await open().acquireLease('keeper'))?.release();
    const text = (await readRecord('keeper', 1))
      .replace('released', 'held    ')
      .replace(/"holder":"[^"]+"/, '"holder":"x"');
    await writeFile(pathOf('keeper', 1), text.replace(/"started":"\d+"/, '"started":"1"'));
    expect((await store.acquireLease('keeper'))?.generation).toBe(2);
  });

  it('is lost when it cannot be renewed, before anybody else can have it, and can be had again afterwards', async () => {
    const store = open();
    const lease = await store.acquireLease('keeper');
    // No file can be opened below a name that is a file.
    await rename(join(root, '.leases'), join(root, '.moved'));
    await writeFile(join(root, '.leases'), '');
    await advanceSlowly(clock, 16_900);
    expect(lease?.lost.aborted).toBe(false);
    await clock.advance(200);
    expect(lease?.lost.aborted).toBe(true);
    expect(lease?.lost.reason).toMatchObject({ code: 'store-lease-lost', blame: 'operator' });
    expect(String(lease?.lost.reason)).toContain('17 s');
    await unlink(join(root, '.leases'));
    await rename(join(root, '.moved'), join(root, '.leases'));
    expect((await store.acquireLease('keeper'))?.generation).toBe(2);
  });

  it('is lost when somebody removed its file', async () => {
    const lease = await open().acquireLease('keeper');
    await rm(join(root, '.leases'), { recursive: true });
    await advanceSlowly(clock, 6_000);
    expect(lease?.lost.aborted).toBe(true);
  });

  it('survives a few failed renewals', async () => {
    const lease = await open().acquireLease('keeper');
    await rename(join(root, '.leases'), join(root, '.moved'));
    await writeFile(join(root, '.leases'), '');
    await advanceSlowly(clock, 12_000);
    await unlink(join(root, '.leases'));
    await rename(join(root, '.moved'), join(root, '.leases'));
    await advanceSlowly(clock, 30_000);
    expect(lease?.lost.aborted).toBe(false);
  });

  it('is not won by somebody who was held up while others had it in between', async () => {
    const store = open();
    await (await store.acquireLease('keeper'))?.release();
    let asked = 0;
    const slow = open({
      ...clock,
      monotonic() {
        asked += 1;
        // First when it begins, then between looking at the newest generation and creating the next.
        if (asked === 2) {
          const record = { state: 'held', renewals: 0, holder: 'elsewhere', host: 'another-machine' } as const;
          writeFileSync(pathOf('keeper', 4), writeLeaseRecord(record));
          unlinkSync(pathOf('keeper', 1));
        }
        return clock.monotonic();
      },
    });
    expect(await slow.acquireLease('keeper')).toBeUndefined();
    expect(await readdir(join(root, '.leases/keeper'))).toEqual(['.generation-4']);
  });

  it('is had at once after somebody was killed who was about to take it, and nothing of theirs is left', async () => {
    await (await open().acquireLease('keeper'))?.release();
    await writeFile(join(root, '.leases/keeper/.draft-somebody'), 'hel');
    expect((await open().acquireLease('keeper'))?.generation).toBe(2);
    expect(await readdir(join(root, '.leases/keeper'))).toEqual(['.generation-2']);
  });

  it('leaves no timer behind', async () => {
    const store = open();
    const lease = await store.acquireLease('keeper');
    expect(clock.pending()).toBeGreaterThan(0);
    await lease?.release();
    const end = store.onChange('', () => undefined);
    end();
    expect(clock.pending()).toBe(0);
  });

  it('explains why it cannot be had', async () => {
    await mkdir(root);
    await writeFile(join(root, '.leases'), 'not a folder');
    await expect(open().acquireLease('keeper')).rejects.toMatchObject({
      code: 'store-not-a-folder',
      blame: 'operator',
    });
  });

  it('is won by one of several processes each time when they find many abandoned ones at the same moment', async () => {
    const count = 120;
    const dead = await findDeadIdentity();
    for (let index = 0; index < count; index += 1) await leaveLease(`race-${index}`, 5, dead);
    const racers = Array.from({ length: 4 }, () => start('race', folder, String(count)));
    await expect
      .poll(() => racers.map((racer) => racer.output()), { timeout: 30_000 })
      .toEqual(Array(4).fill('ready\n'));
    await writeFile(join(folder, 'start.new'), String(Date.now() + 300));
    await rename(join(folder, 'start.new'), join(folder, 'start'));
    await expect
      .poll(() => racers.map((racer) => racer.output().split('\n').length), { timeout: 30_000 })
      .toEqual(Array(4).fill(3));
    await writeFile(join(folder, 'end'), '');
    await Promise.all(racers.map((racer) => racer.ended));
    const shares = racers.map((racer) => JSON.parse(racer.output().replace('ready\n', '')) as string[]);
    const won = shares.flat();
    const expected = Array.from({ length: count }, (_, index) => `${index}:6`);
    expect(won.sort()).toEqual(expected.sort());
    // It was a race: no process won nearly everything.
    expect(Math.max(...shares.map((share) => share.length))).toBeLessThan(count);
  });

  it('is held by one at a time, in generations that grow, by processes that come, release it and are killed', async () => {
    const waves = isThorough ? 3 : 1;
    for (let wave = 0; wave < waves; wave += 1) {
      const runners = Array.from({ length: 4 }, (_, index) => start('relay', folder, '25', index < 2 ? 'die' : 'live'));
      await Promise.all(runners.map((runner) => runner.ended));
      expect(runners.map((runner) => runner.output())).toEqual(['', '', '', '']);
    }
    const generations = (await readFile(join(folder, 'generations'), 'utf8')).trim().split('\n').map(Number);
    expect(generations).toHaveLength(waves * 4 * 25);
    expect(generations).toEqual([...new Set(generations)].sort((a, b) => a - b));
    expect((await readdir(join(root, '.leases/relay'))).length).toBeLessThan(10);
  });
});

/** The record of a holder that ran here and has ended; where that cannot be known, of one that gave the lease back. */
async function findDeadIdentity(): Promise<string> {
  const { child, output, ended } = start('hold', folder, 'template');
  for (let attempt = 0; attempt < 400 && output() === ''; attempt += 1) await new Promise((r) => setTimeout(r, 25));
  child.kill('SIGKILL');
  await ended;
  const text = await readRecord('template', 1);
  return linux ? text : text.replace('held    ', 'released');
}
