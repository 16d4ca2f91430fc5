import type { SrvRecord } from './resolution.ts';

/**
 * SRV records in the order in which they are to be tried (RFC 2782, "Usage rules"): the lowest priority first, and
 * within one priority by lot, where a record's chance is its weight. `random` gives numbers from 0 up to, not
 * including, 1.
 */
export function orderSrvRecords(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((priority) => {
    return drawByWeight(
      records.filter((record) => record.priority === priority),
      random,
    );
  });
}

function drawByWeight(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  // Those of weight 0 first: they are drawn only by a lot of 0.
  const left = [...records.filter(({ weight }) => weight === 0), ...records.filter(({ weight }) => weight > 0)];
  const drawn: SrvRecord[] = [];
  while (left.length > 0) {
    const sum = left.reduce((total, { weight }) => total + weight, 0);
    const lot = Math.floor(random() * (sum + 1));
    let running = 0;
    const at = left.findIndex(({ weight }) => {
      running += weight;
      return running >= lot;
    });
    drawn.push(...left.splice(at, 1));
  }
  return drawn;
}
