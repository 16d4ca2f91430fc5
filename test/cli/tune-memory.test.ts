import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { BUFFERS_COUNT_AS_MEMORY } from '../../src/cli/tune-memory.ts';

test('this Node knows the flag of V8 that keeps downloads from marking the heap again and again', () => {
  const { status, stderr } = spawnSync(process.execPath, [BUFFERS_COUNT_AS_MEMORY, '-e', '0'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
