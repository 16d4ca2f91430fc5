import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createExecProvider } from '../../../src/acme/solvers/exec.ts';
import { realSystem } from '../../../src/base/system.ts';
import { pause } from '../../harness/until.ts';
import { failureOf, makeTask, NEVER } from './challenge-task.ts';

const task = makeTask('dns-01', 'example.com', { token: '-token' });
const record = { name: '_acme-challenge.example.com', value: 'gfj9 $(id)', task };

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exec-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function program(lines: string): Promise<string> {
  const path = join(folder, 'update-dns');
  await writeFile(path, `#!/bin/sh\ncd ${JSON.stringify(folder)} || exit 99\n${lines}\n`);
  await chmod(path, 0o700);
  return path;
}
const read = async (name: string) =>
  (await readFile(join(folder, name), 'utf8').catch(() => '')).split('\n').slice(0, -1);
const provider = (path: string, more: { mode?: 'raw'; timeout?: number } = {}) =>
  createExecProvider({ program: path, mode: 'default', ...more }, { system: realSystem });

describe('a program as lego calls it', () => {
  it('is given action, name and value, each as one parameter and through no shell', async () => {
    const path = await program('for each in "$@"; do echo "$each" >> log; done');
    await provider(path).set(record, NEVER);
    await provider(path).unset(record);
    expect(await read('log')).toEqual([
      ...['present', '_acme-challenge.example.com.', 'gfj9 $(id)'],
      ...['cleanup', '_acme-challenge.example.com.', 'gfj9 $(id)'],
    ]);
  });

  it('is given the challenge itself in raw mode, behind --', async () => {
    const path = await program('for each in "$@"; do echo "$each" >> log; done');
    await provider(path, { mode: 'raw' }).set(record, NEVER);
    expect(await read('log')).toEqual(['present', '--', 'example.com', '-token', task.keyAuthorization]);
  });

  it('runs one at a time, and goes on after a failure', async () => {
    const path = await program('echo begin >> log; sleep 0.1; echo end >> log; [ "$1" = present ]');
    const one = provider(path);
    const results = await Promise.all([one.set(record, NEVER), failureOf(one.unset(record)), one.set(record, NEVER)]);
    expect(await read('log')).toEqual(['begin', 'end', 'begin', 'end', 'begin', 'end']);
    expect(results[1]).toMatchObject({ code: 'dns-provider' });
  });

  it('that fails is quoted, as much as fits a message', async () => {
    const path = await program(
      'i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo no such zone >&2; exit 3',
    );
    const failure = await failureOf(provider(path).set(record, NEVER));
    expect(failure).toMatchObject({ code: 'dns-provider', blame: 'operator' });
    const { message } = failure as Error;
    expect(message).toContain(`exec: ${path} present ended with exit status 3: `);
    expect(message).toContain('no such zone');
    expect(message).not.toContain('line 100 ');
    expect(message.length).toBeLessThan(1_000);
  });

  it('that cannot be started is named', async () => {
    expect(await failureOf(provider(join(folder, 'none')).set(record, NEVER))).toMatchObject({
      code: 'dns-provider',
      message: expect.stringMatching(/none present could not be started \(.*ENOENT/),
    });
    await writeFile(join(folder, 'text'), 'text');
    expect(await failureOf(provider(join(folder, 'text')).set(record, NEVER))).toMatchObject({
      message: expect.stringMatching(/EACCES/),
    });
  });

  it('that is ended by a signal is said so', async () => {
    const path = await program('kill -TERM $$');
    expect(await failureOf(provider(path).set(record, NEVER))).toMatchObject({
      message: `exec: ${path} present was ended by SIGTERM.`,
    });
  });

  const SLOW = '(while :; do echo tick >> ticks; sleep 0.05; done) & wait';
  const expectChildEnded = async (): Promise<void> => {
    await pause(100);
    const { length } = await read('ticks');
    await pause(300);
    expect(length).toBeGreaterThan(0);
    expect(await read('ticks')).toHaveLength(length);
  };

  it('that takes too long is ended, with all that it started', async () => {
    const path = await program(SLOW);
    expect(await failureOf(provider(path, { timeout: 500 }).set(record, NEVER))).toMatchObject({
      message: `exec: ${path} present took longer than 0.5 s.`,
    });
    await expectChildEnded();
  });

  it('is ended at once when the order is, and one that waits its turn never starts', async () => {
    const path = await program(`${SLOW}; echo x >> log`);
    const abort = new AbortController();
    const one = provider(path);
    const running = failureOf(one.set(record, abort.signal));
    const waiting = failureOf(one.set(record, abort.signal));
    setTimeout(() => abort.abort(new Error('stopping')), 300);
    expect([await running, await waiting]).toMatchObject([{ message: 'stopping' }, { message: 'stopping' }]);
    await expectChildEnded();
    expect(await read('log')).toEqual([]);
  });

  it('is done when it ends, though it left something running that holds its output', async () => {
    const path = await program('sleep 5 & echo $! > child');
    const began = performance.now();
    await provider(path).set(record, NEVER);
    expect(performance.now() - began).toBeLessThan(3_000);
    process.kill(Number((await read('child'))[0]));
  });
});
