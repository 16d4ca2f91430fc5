import type { System } from '../base/system.ts';

/** Request ids that are unique across restarts and cheap: eight random characters of this process, then a count. */
export function createRequestIds(system: System): () => string {
  const prefix = system.randomBytes(6).toString('base64url');
  let count = 0;
  return () => {
    count++;
    return `${prefix}-${count.toString(36)}`;
  };
}
