import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { requestOverTls } from '../../src/cli/demo/tls-request.ts';

type Demo = ChildProcessByStdio<null, Readable, Readable>;
let demo: Demo | undefined;
afterEach(() => demo?.kill('SIGKILL'));

/** Starts the demo as a user would; `until` resolves with all output once it contains a text. */
function startDemo(...options: string[]) {
  const child = spawn(process.execPath, ['src/main.ts', 'demo', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  demo = child;
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
      void exit.then(() => reject(new Error(`The demo ended:\n${output}`)));
    });
  return { child, exit, until, output: () => closed.then(() => output) };
}

test('demo --once passes all its checks, says what was seen, and exits 0', async () => {
  const { exit, output } = startDemo('--once');
  const code = await exit;
  const text = await output();
  expect(text).not.toContain('\u2717');
  expect(text.match(/\u2713/g)?.length).toBeGreaterThanOrEqual(15);
  expect(text).toContain('All checks passed.');
  expect(text).not.toContain('\u001b');
  expect(code).toBe(0);
});

test('demo stays up, its curl lines work, and Ctrl-C ends it and removes what it wrote', async () => {
  const { child, exit, until } = startDemo();
  const text = await until('Ctrl-C ends the demo.');
  const line = /curl --cacert (\S+) --resolve (\S+):(\d+):(\S+) (https:\S+\/\.well-known\/matrix\/server)/.exec(text);
  if (line === null) throw new Error(`no curl line in\n${text}`);
  const [, caFile, host, port, address, url] = line as unknown as [string, string, string, string, string, string];
  const { pathname, host: hostHeader } = new URL(url);
  const answer = await requestOverTls(
    { host: address, port: Number(port), sni: host, hostHeader },
    await readFile(caFile, 'utf8'),
    { method: 'GET', path: pathname },
  );
  expect(JSON.parse(answer.body.toString())).toHaveProperty('m.server');
  child.kill('SIGINT');
  expect(await exit).toBe(0);
  await expect(access(dirname(caFile))).rejects.toThrow('ENOENT');
});
