import type { InstanceStatus } from '../admin/status.ts';
import type { HoldStatus } from '../forward/hold.ts';
import type { Instance } from '../forward/instance.ts';
import { nameState } from '../forward/instance-health.ts';

/**
 * How it stands with each instance of an upstream. While there is one, what is known of it is what its hold knows. `now` is
 * milliseconds since the epoch, `monotonic` the same moment on the other clock. Pure.
 */
export function describeInstances(
  instances: readonly Instance[],
  hold: HoldStatus | undefined,
  { now, monotonic }: { readonly now: number; readonly monotonic: number },
): readonly InstanceStatus[] {
  const when = (at: number): string => new Date(now - (monotonic - at)).toISOString();
  return instances.map(({ place, address, health, inFlight }) => {
    const base = { place: place.text, address: address ?? null, requests_in_flight: inFlight };
    const { awaySince, backAt } = (instances.length === 1 ? hold : undefined) ?? {};
    if (awaySince !== undefined)
      return { ...base, state: 'ejected', since: when(awaySince), why: hold?.why ?? null } as const;
    return {
      ...base,
      state: nameState(health, monotonic),
      since: when(backAt ?? health.since),
      why: health.why ?? null,
    };
  });
}
