import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realSystem, type System } from '../../src/base/system.ts';
import { createFileChanges } from '../../src/store/file-changes.ts';
import { pause, until } from '../harness/until.ts';

let folder: string;
let root: string;
const endings: (() => void)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sidecar-changes-'));
  root = join(folder, 'store');
});
afterEach(async () => {
  for (const end of endings.splice(0)) end();
  await rm(folder, { recursive: true, force: true });
});

function listen(system: System = realSystem): string[] {
  const changes = createFileChanges(root, { system });
  endings.push(() => changes.close());
  const heard: string[] = [];
  changes.onChange('', (key) => heard.push(key));
  return heard;
}

/** As a store writes. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(join(root, '.tmp-1-1-x'), text);
  await rename(join(root, '.tmp-1-1-x'), join(root, path));
}

describe('word of changes in a folder', () => {
  it('comes for every one of many replacements of the same file', async () => {
    await mkdir(join(root, 'deep/er'), { recursive: true });
    const heard = listen();
    for (let round = 0; round < 5; round += 1) {
      heard.length = 0;
      await replace('deep/er/key', 'same length');
      await until(`replacement ${round}`, () => heard.includes('deep/er/key'));
    }
  });

  it('comes when the folder was made, and when it was put in place of another', async () => {
    const heard = listen();
    await pause(100);
    await mkdir(join(root, 'a'), { recursive: true });
    await writeFile(join(root, 'a/one'), 'x');
    await until('the first key', () => heard.includes('a/one'));
    await rename(root, join(folder, 'backup'));
    await mkdir(join(folder, 'restored/a'), { recursive: true });
    await writeFile(join(folder, 'restored/a/two'), 'x');
    await rename(join(folder, 'restored'), root);
    await until(
      'the restored key, and that the other is gone',
      () => heard.includes('a/two') && heard.filter((key) => key === 'a/one').length === 2,
    );
    heard.length = 0;
    await writeFile(join(root, 'a/three'), 'x');
    await until('a key in the restored folder', () => heard.includes('a/three'));
  });

  it('comes by looking now and then where the system sends none', async () => {
    // Neither the folder nor the one above it is there to be watched.
    const impatient: System = {
      ...realSystem,
      setTimer: (ms, fn) => realSystem.setTimer(ms === 30_000 ? 100 : ms, fn),
    };
    root = join(folder, 'missing/store');
    const heard = listen(impatient);
    await pause(50);
    await mkdir(root, { recursive: true });
    await writeFile(join(root, 'key'), 'x');
    await until('the key', () => heard.includes('key'));
  });

  it('is not troubled by a folder that becomes a file, or is not there', async () => {
    await mkdir(root);
    await writeFile(join(root, 'key'), 'x');
    const heard = listen();
    await until('what is there in the beginning', () => heard.includes('key'));
    heard.length = 0;
    await rm(root, { recursive: true });
    await writeFile(root, 'a file');
    await pause(200);
    await rm(root);
    await mkdir(root);
    await writeFile(join(root, 'other'), 'x');
    await until('the new key', () => heard.includes('other'));
    expect(heard).toContain('key');
  });
});
