/** Waits until something holds. Fails after `patience` milliseconds, which are for busy machines. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, patience = 30_000): Promise<void> {
  const began = performance.now();
  while (!(await holds())) {
    if (performance.now() - began > patience) throw new Error(`not within ${patience} ms: ${what}`);
    await pause(5);
  }
}

/** For showing that something does not happen. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
