import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestOverTls } from '../../src/cli/demo/tls-request.ts';

type Child = ChildProcessByStdio<null, Readable, Readable>;
const children: Child[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** Starts the program as a user would; `until` resolves with all output once it contains a text. */
function start(...args: string[]) {
  const child: Child = spawn(process.execPath, ['src/main.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', npm_lifecycle_event: undefined },
  });
  children.push(child);
  let output = '';
  const exit = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const closed = new Promise((resolve) => child.on('close', resolve));
  const watchers: (() => void)[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      for (const watch of watchers) watch();
    });
  }
  const until = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const watch = (): void => {
        if (output.includes(text)) resolve(output);
      };
      watchers.push(watch);
      watch();
      void exit.then(() => reject(new Error(`It ended:\n${output}`)));
    });
  return { child, exit, until, output: () => closed.then(() => output) };
}

const TABLE = [
  '  from \\ to    one.test     two.test     three.test',
  '  one.test                  ✓ step 3.2   ✓ step 4',
  '  two.test     ✓ step 6                  ✓ step 4',
  '  three.test   ✓ step 6     ✓ step 3.2',
].join('\n');

// Long for a machine that has much else to do; alone on it, all of this takes ten seconds.
const PATIENCE = 60_000;

describe('a demo that stays up', { timeout: PATIENCE }, () => {
  let demo: ReturnType<typeof start>;
  let text: string;
  beforeAll(async () => {
    demo = start('demo');
    text = await demo.until('Ctrl-C ends the demo.');
  }, PATIENCE);

  test('shows for each pair by which step it was found', () => {
    expect(text).toContain(TABLE);
    expect(text).not.toContain('\u2717');
  });

  test('leaves another one what it needs, which passes all its checks on other ports and exits 0', async () => {
    const { exit, output } = start('demo', '--once');
    const [code, second] = [await exit, await output()];
    expect(second).toContain(TABLE);
    expect(second).toMatch(/are replaced as by --connect-to :443::\d+, :8448::\d+\./);
    expect(second).not.toContain('\u2717');
    expect(second.match(/\u2713/g)?.length).toBe(22);
    expect(second).toContain('All checks passed.');
    expect(second).not.toContain('\u001b');
    expect(code).toBe(0);
  });

  test('prints check lines that find no fault from another terminal, signed or not, in a few seconds', async () => {
    const lines = [...text.matchAll(/^ {2}matrix-sidecar (check .*)$/gm)].map((match) => match[1]!.split(' '));
    expect(lines.map(([, name]) => name)).toEqual(['one.test', 'two.test', 'three.test', 'three.test']);
    const durations: number[] = [];
    for (const args of lines) {
      const begin = performance.now();
      const { exit, output } = start(...args, '--format', 'json');
      const [code, report] = [await exit, await output()];
      durations.push(performance.now() - begin);
      expect([code, JSON.parse(report)]).toMatchObject([0, { FederationOK: true, Findings: [] }]);
    }
    // 1 s on an idle machine, 0.3 s of it for the test itself; the others may have met a busy moment.
    expect(Math.min(...durations)).toBeLessThan(10_000);
  });

  test('prints check lines of which each test takes less than two seconds', async () => {
    const lines = [...text.matchAll(/^ {2}matrix-sidecar (check .*)$/gm)].map((match) => match[1]!.split(' '));
    for (const args of lines.filter((one) => !one.includes('--identity'))) {
      const durations: number[] = [];
      // A busy machine gets more attempts, not more time.
      while (durations.length < 5 && !durations.some((ms) => ms < 2_000)) {
        const { exit, output } = start(...args);
        expect(await exit).toBe(0);
        const [, count, unit] = /The test took ([\d.]+) (ms|s)\./.exec(await output()) ?? [];
        durations.push(Number(count) * (unit === 's' ? 1_000 : 1));
      }
      expect(Math.min(...durations)).toBeLessThan(2_000);
    }
  });

  test('prints curl lines that work, and Ctrl-C ends it and removes what it wrote', async () => {
    const line = /curl --cacert (\S+) --resolve (\S+):(\d+):(\S+) (https:\S+\/\.well-known\/matrix\/server)/.exec(text);
    if (line === null) throw new Error(`no curl line in\n${text}`);
    const [, caFile, host, port, address, url] = line as unknown as [string, string, string, string, string, string];
    const { pathname, host: hostHeader } = new URL(url);
    const answer = await requestOverTls(
      { host: address, port: Number(port), sni: host, hostHeader },
      await readFile(caFile, 'utf8'),
      { method: 'GET', path: pathname },
    );
    expect(JSON.parse(answer.body.toString())).toEqual({ 'm.server': 'matrix.two.test:443' });
    demo.child.kill('SIGINT');
    expect(await demo.exit).toBe(0);
    await expect(access(dirname(caFile))).rejects.toThrow('ENOENT');
  });
});
