import { closeSync, openSync, readFileSync } from 'node:fs';
import { errorCode } from './errors.ts';

/**
 * How many file descriptors this process may have; undefined where that cannot be told (anything but Linux) or there
 * is no limit. Node has raised the soft limit to the hard one at its start.
 */
export function readDescriptorLimit(): number | undefined {
  try {
    return parseDescriptorLimit(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    return undefined;
  }
}

/** Pure: the soft limit in /proc/PID/limits (proc_pid_limits(5)). */
export function parseDescriptorLimit(limits: string): number | undefined {
  const soft = /^Max open files +(\d+) /m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

/**
 * Does an error say that this process, or this machine, has no file descriptor left? Looking a name up needs some too,
 * and says so in many ways (`EBUSY`, `ENOTFOUND`): there it counts whether one can be had at this moment.
 */
export function isOutOfDescriptors(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isOutOfDescriptors);
  const code = errorCode(error);
  if (code === 'EMFILE' || code === 'ENFILE') return true;
  if ((error as { readonly syscall?: unknown } | undefined)?.syscall !== 'getaddrinfo') return false;
  // getaddrinfo(3) has codes of its own; any other is the machine's (EAI_SYSTEM), of which there is no other known.
  return !/^(ENOTFOUND|EAI_)/.test(code ?? '') || !canOpen();
}

function canOpen(): boolean {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return true;
  } catch {
    return false;
  }
}
