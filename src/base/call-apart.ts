/**
 * Calls `fn`, one of many in a row: what it throws is an unexpected error of the process, and does not keep those after it
 * from their turn.
 */
export function callApart(fn: () => void): void {
  try {
    fn();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
