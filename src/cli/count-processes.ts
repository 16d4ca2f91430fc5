import { availableParallelism } from 'node:os';
import type { Config } from '../config/config.ts';

/** The command that the processes which serve are started with, where there are several; not for people. */
export const SERVING_PROCESS = 'serving-process';

/** The most that can be written down, too. */
const MOST = 64;

/** How many processes a configuration asks for, on this machine and in this container. */
export function countProcesses({ processes }: Pick<Config, 'processes'>): number {
  return processes === 'auto' ? Math.min(availableParallelism(), MOST) : processes;
}
