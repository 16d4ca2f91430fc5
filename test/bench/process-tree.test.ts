import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  listProcessTree,
  parseResident,
  parseSchedstat,
  parseStat,
  readCpuTime,
  readResident,
} from '../../bench/process-tree.ts';

describe('what the kernel says of processes', () => {
  it('reads CPU time of a thread from schedstat, which is in nanoseconds', () => {
    expect(parseSchedstat('1500000 37724052 3\n')).toBe(1500);
  });

  it('reads CPU time from stat, whatever the name of the program', () => {
    expect(parseStat('42 (a b) c) S 1 42 42 0 -1 4194304 9 8 7 6 120 30 0 0 20 0')).toBe(1_500_000);
  });

  it('reads resident memory, and none of a process that is ending', () => {
    expect(parseResident('Name:\tx\nVmRSS:\t   2048 kB\nRssAnon:\t 5 kB\n')).toBe(2 * 1024 * 1024);
    expect(parseResident('Name:\tx\nState:\tZ (zombie)\n')).toBe(0);
  });

  it.skipIf(process.platform !== 'linux')('accounts for a process and those below it', async () => {
    const shell = spawn('sh', ['-c', 'sleep 30 & echo ready; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(shell.stdout, 'data');
    const tree = listProcessTree(shell.pid!);
    expect(tree).toHaveLength(2);
    expect(readResident(shell.pid!)).toBeGreaterThan(100_000);
    for (const pid of tree) process.kill(pid, 'SIGKILL');
    await once(shell, 'close');
    expect(listProcessTree(shell.pid!)).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')('counts the CPU time that a process uses', () => {
    const before = readCpuTime(process.pid);
    const until = process.cpuUsage().user + 50_000;
    while (process.cpuUsage().user < until);
    expect(readCpuTime(process.pid) - before).toBeGreaterThan(20_000);
  });
});
