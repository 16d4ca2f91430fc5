// A process of its own that takes leases from others, for file-leases.test.ts; speaks on standard output.
//   node take-leases.ts race FOLDER COUNT          says that it is ready; from the instant in FOLDER/start on, asks once for each of
//                                               COUNT abandoned leases, in step with the clock, and holds them until there is FOLDER/end
//   node take-leases.ts relay FOLDER ROUNDS DIE    holds the lease ROUNDS times, and then ends without releasing it
//   node take-leases.ts hold FOLDER NAME           says its generation, and holds it until it is killed
import { appendFile, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { realSystem } from '../../src/base/system.ts';
import { createFileStore } from '../../src/store/files.ts';

/** Milliseconds between two leases that everybody wants at the same moment. */
const STEP = 8;

const [mode, folder, first, second] = process.argv.slice(2);
const store = createFileStore(join(folder!, 'store'), { system: realSystem });

async function race(count: number): Promise<void> {
  const won: string[] = [];
  await new Promise((resolve) => process.stdout.write('ready\n', resolve));
  const read = async (): Promise<number> => Number(await readFile(join(folder!, 'start'), 'utf8').catch(() => '0'));
  let start = await read();
  for (; start === 0; start = await read()) await sleep(5);
  for (let index = 0; index < count; index += 1) {
    // Busy, so that the processes wake at the same moment.
    while (Date.now() < start + index * STEP) await sleep(0);
    const lease = await store.acquireLease(`race-${index}`);
    if (lease !== undefined) won.push(`${index}:${lease.generation}`);
  }
  await new Promise((resolve) => process.stdout.write(`${JSON.stringify(won)}\n`, resolve));
  // Everybody holds what they won until the last one is done, however long a busy machine keeps it.
  while ((await readFile(join(folder!, 'end')).catch(() => undefined)) === undefined) await sleep(20);
}

async function relay(rounds: number, dies: boolean): Promise<void> {
  for (let round = 0; round < rounds; ) {
    const lease = await store.acquireLease('relay');
    if (lease === undefined) {
      await sleep(1 + Math.random() * 4);
      continue;
    }
    round += 1;
    // Fails when anybody else is inside.
    await (await open(join(folder!, 'inside'), 'wx')).close();
    await appendFile(join(folder!, 'generations'), `${lease.generation}\n`);
    await unlink(join(folder!, 'inside'));
    if (round === rounds && dies) process.kill(process.pid, 'SIGKILL');
    await lease.release();
  }
}

if (mode === 'race') await race(Number(first));
if (mode === 'relay') await relay(Number(first), second === 'die');
if (mode === 'hold') {
  const lease = await store.acquireLease(first!);
  console.log(lease?.generation ?? 'none');
  setInterval(() => undefined, 1_000);
} else {
  await store.close();
}
