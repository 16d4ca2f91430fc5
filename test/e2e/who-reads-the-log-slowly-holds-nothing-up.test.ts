import { expect, it } from 'vitest';
import { startServe } from '../harness/process.ts';
import { pause } from '../harness/until.ts';

const SERVERS = Array.from(
  { length: 60 },
  (_, index) => `  - { server_name: s${index}.test, homeserver: "unix:/nobody" }`,
);

it('a log that nobody reads holds up neither answers nor the end', async ({ onTestFinished }) => {
  const sidecar = await startServe(`servers:\n${SERVERS.join('\n')}`);
  onTestFinished(() => sidecar.close());
  const { child } = sidecar;
  child.stdout!.pause();
  // Each is some 10 KB of lines: more than a pipe takes.
  for (let times = 0; times < 60; times++) {
    child.kill('SIGHUP');
    await pause(15);
  }
  expect((await fetch(`http://127.0.0.1:${sidecar.admin}/healthz`)).status).toBe(200);
  child.kill('SIGTERM');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  expect(await Promise.race([ended, pause(20_000)])).toBe(0);
});

it('what is logged is written by the end of the process, the last line too', async ({ onTestFinished }) => {
  const sidecar = await startServe(`servers:\n${SERVERS.join('\n')}`);
  onTestFinished(() => sidecar.close());
  const { child } = sidecar;
  child.stdout!.pause();
  for (let times = 0; times < 20; times++) {
    child.kill('SIGHUP');
    await pause(15);
  }
  child.kill('SIGTERM');
  await pause(300);
  child.stdout!.resume();
  expect((await sidecar.exited).code).toBe(0);
  const lines = sidecar.stdout().trimEnd().split('\n');
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ msg: 'Stopped.' });
  for (const line of lines) JSON.parse(line);
});
