import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { completeYaml, startProcess } from '../../harness/process.ts';
import { mountSmallDisk, whyNoSmallDisk } from '../../harness/small-disk.ts';
import { pause, until } from '../../harness/until.ts';

const missing = whyNoSmallDisk();

if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('a small disk can be mounted, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}

if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;

// A line that could not be written was an unexpected error, which was logged, which could not be written: without end,
// and each of them kept in memory.
describe.skipIf(missing !== undefined)(`A log on a full disk${why}`, () => {
  it('costs lines, no more: no line about it begets another, and the log goes on when there is room', async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'full-log-'));
    const disk = await mountSmallDisk(join(folder, 'disk'), 128);
    const config = join(folder, 'sidecar.yaml');
    // At nobody: each SIGHUP is a few lines.
    const yaml = completeYaml(
      `store: ${join(folder, 'certs')}\nservers: [{ server_name: a.test, homeserver: "http://127.0.0.1:9" }]`,
    );
    await writeFile(config, yaml);
    const sidecar = startProcess(['serve', '--config', config], {
      through: [...disk.through, 'sh', '-c', 'log=$1; shift; exec "$@" >>"$log"', 'sh', join(folder, 'disk/log')],
    });
    context.onTestFinished(async () => {
      await sidecar.close();
      await disk.close();
      await rm(folder, { recursive: true, force: true });
    });
    const log = (): string => {
      try {
        return readFileSync(join(disk.here, 'log'), 'utf8');
      } catch {
        return '';
      }
    };
    await until('it is ready', () => log().includes('"msg":"Ready.'), 30_000);
    disk.fill();
    // The last page of the file may have room yet.
    for (let times = 0; times < 40; times++) {
      sidecar.child.kill('SIGHUP');
      await pause(40);
    }
    const busyBefore = readBusy(sidecar.child.pid!);
    await pause(1_000);
    expect(readBusy(sidecar.child.pid!) - busyBefore).toBeLessThan(0.3);
    disk.makeRoom();
    const before = log().length;
    sidecar.child.kill('SIGHUP');
    await until('the log goes on', () => log().length > before);
    await pause(200);
    expect(sidecar.child.exitCode).toBeNull();
    expect(log()).not.toContain('Unexpected');
    for (const line of log().trimEnd().split('\n')) JSON.parse(line);
    // Nor does a full disk keep it from ending.
    disk.fill();
    sidecar.child.kill('SIGHUP');
    await pause(200);
    sidecar.child.kill('SIGTERM');
    expect(await Promise.race([sidecar.exited, pause(20_000)])).toEqual({ code: 0, signal: null });
  });
});

/** Seconds of processor time that a process has used. */
function readBusy(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
