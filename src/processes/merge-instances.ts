import type { InstanceStatus } from '../admin/status.ts';

const WORSE = ['here', 'warming', 'ejected'] as const;

/**
 * The instances of an upstream as several processes see them: each by its place and address, with the worst that one of
 * them says of it, since the first of those who say so noticed. Pure.
 */
export function mergeInstances(lists: readonly (readonly InstanceStatus[])[]): readonly InstanceStatus[] {
  const merged = new Map<string, InstanceStatus>();
  for (const one of lists.flat()) {
    const id = JSON.stringify([one.place, one.address]);
    const other = merged.get(id);
    merged.set(id, other === undefined ? one : mergeInstance(other, one));
  }
  const known = new Set([...merged.values()].filter(({ address }) => address !== null).map(({ place }) => place));
  // A process that had nothing to ask there yet does not know its address; the others do.
  return [...merged.values()].filter(({ place, address }) => address !== null || !known.has(place));
}

function mergeInstance(a: InstanceStatus, b: InstanceStatus): InstanceStatus {
  const requests_in_flight = a.requests_in_flight + b.requests_in_flight;
  const difference = WORSE.indexOf(a.state) - WORSE.indexOf(b.state);
  const first = a.since <= b.since ? a : b;
  return { ...(difference === 0 ? first : difference > 0 ? a : b), requests_in_flight };
}
