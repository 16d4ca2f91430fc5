import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks of /proc/PID/stat in a second: USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Microseconds of CPU time in the text of a /proc schedstat file: its first number, in nanoseconds. */
export function parseSchedstat(text: string): number {
  return Number(text.split(' ', 1)[0]) / 1000;
}

/** Microseconds of CPU time (user and system) in the text of /proc/PID/stat; the command name may hold anything. */
export function parseStat(text: string): number {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_SECOND;
}

/** Bytes that are resident, from the text of /proc/PID/status; 0 of a process that is ending. */
export function parseResident(text: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

/** A process and all below it. Empty where it has ended. */
export function listProcessTree(pid: number): number[] {
  const children = list(`/proc/${pid}/task`).flatMap((thread) =>
    (read(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter((text) => text !== ''),
  );
  const self = read(`/proc/${pid}/stat`) === undefined ? [] : [pid];
  return [...self, ...children.flatMap((child) => listProcessTree(Number(child)))];
}

/**
 * Microseconds of CPU time that one process has used so far. The scheduler's own account of every thread is exact while the
 * process sleeps; /proc/PID/stat, where the kernel keeps none, counts in steps of 10 ms.
 */
export function readCpuTime(pid: number): number {
  const threads = list(`/proc/${pid}/task`).map((thread) => read(`/proc/${pid}/task/${thread}/schedstat`));
  if (threads.some((text) => text !== undefined)) {
    return threads.reduce((sum, text) => sum + (text === undefined ? 0 : parseSchedstat(text)), 0);
  }
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? 0 : parseStat(stat);
}

/** Bytes that are resident of a process and all below it; pages that they share count for each. */
export function readResident(pid: number): number {
  return listProcessTree(pid).reduce((sum, one) => sum + parseResident(read(`/proc/${one}/status`) ?? ''), 0);
}

/** Processes and threads end at any time: what is gone reads as undefined. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
