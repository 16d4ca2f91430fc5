import { readFile, readlink } from 'node:fs/promises';
import { errorCode } from '../base/errors.ts';

/** Which process one is, so that another process on the same machine can say whether it still runs. */
export interface ProcessIdentity {
  /** New with every start of the machine; the same in all its containers. */
  readonly boot: string;
  /** The PID namespace, `pid:[4026531836]`: in every container some process is number 1. */
  readonly namespace: string;
  readonly pid: number;
  /** When it started, in the kernel's ticks since the boot: numbers of processes are used again. */
  readonly started: string;
}

/** This process, or undefined where the system has no /proc (anything but Linux). */
export async function readOwnIdentity(): Promise<ProcessIdentity | undefined> {
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const namespace = await readlink('/proc/self/ns/pid');
    const state = await readState(process.pid);
    return state === undefined ? undefined : { boot, namespace, pid: process.pid, started: state.started };
  } catch {
    return undefined;
  }
}

/**
 * Whether `other` still runs, as seen by `self`. Undefined when that cannot be known: another machine, another
 * container, another start of the machine whose clock we cannot compare with.
 */
export async function isRunning(other: ProcessIdentity, self: ProcessIdentity): Promise<boolean | undefined> {
  if (other.boot !== self.boot || other.namespace !== self.namespace) return undefined;
  try {
    const state = await readState(other.pid);
    return state !== undefined && state.started === other.started && !state.dead;
  } catch {
    return undefined;
  }
}

/** From /proc/PID/stat (proc_pid_stat(5)); undefined when there is no such process. */
async function readState(pid: number): Promise<{ started: string; dead: boolean } | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    // ESRCH: it ended between opening and reading.
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return undefined;
    throw error;
  }
  // The second field is the program's name in brackets, which may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  if (state === undefined || started === undefined) throw new Error('/proc/PID/stat is not as documented');
  // Z: killed, but not yet waited for by its parent, which in a container may never happen.
  return { started, dead: state === 'Z' || state === 'X' };
}
