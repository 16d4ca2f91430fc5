import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { holdLease, type LeaseGrant } from '../../src/store/held-lease.ts';
import { createManualSystem } from '../tls/manual-system.ts';

/** A lease whose store answers as `renew` says; `calls` has what the store was asked, and when in seconds. */
function hold(
  renew: () => Promise<boolean>,
  giveBack: () => Promise<void> = async () => undefined,
  write: () => Promise<boolean> = async () => true,
) {
  const system = createManualSystem();
  const calls: string[] = [];
  const note = (what: string): void => void calls.push(`${what} ${system.monotonic() / 1000}`);
  const grant: LeaseGrant = {
    name: 'keeper',
    generation: 3,
    since: 0,
    renew() {
      note('renew');
      return renew();
    },
    giveBack() {
      note('giveBack');
      return giveBack();
    },
    write() {
      note('write');
      return write();
    },
  };
  return { system, calls, lease: holdLease(grant, { system }) };
}

describe('writing under a lease', () => {
  const bytes = Buffer.from('x');

  it('goes on for as long as it is held', async () => {
    const { calls, lease } = hold(async () => true);
    await lease.write('key', bytes);
    expect(calls).toEqual(['write 0']);
  });

  it('is refused, and the lease lost, when the store says that it is another one', async () => {
    const { calls, lease } = hold(
      async () => true,
      undefined,
      async () => false,
    );
    await expect(lease.write('key', bytes)).rejects.toMatchObject({ code: 'store-lease-lost' });
    expect(lease.lost.aborted).toBe(true);
    await expect(lease.write('key', bytes)).rejects.toBe(lease.lost.reason);
    expect(calls).toEqual(['write 0']);
  });

  it('is refused after it was given back, which is no loss', async () => {
    const { calls, lease } = hold(async () => true);
    await lease.release();
    await expect(lease.write('key', bytes)).rejects.toThrow('it was given back');
    expect(lease.lost.aborted).toBe(false);
    expect(calls).toEqual(['giveBack 0']);
  });
});

describe('holding a lease', () => {
  it('renews it every five seconds, and no more once it is released', async () => {
    const { system, calls, lease } = hold(async () => true);
    await system.advance(16_000);
    await lease.release();
    await lease.release();
    await system.advance(60_000);
    expect(calls).toEqual(['renew 5', 'renew 10', 'renew 15', 'giveBack 16']);
    expect(lease.lost.aborted).toBe(false);
    expect(system.pending()).toBe(0);
  });

  it("ends at once when the store says that it is another one's, and does not give back what is not ours", async () => {
    const { system, calls, lease } = hold(async () => false);
    await system.advance(60_000);
    expect(calls).toEqual(['renew 5']);
    expect(lease.lost.reason).toBeInstanceOf(SidecarError);
    expect(String(lease.lost.reason)).toContain('another process');
  });

  it('tries again every second while renewing fails, and gives up 17 s after the last success', async () => {
    let fail = false;
    const { system, calls, lease } = hold(async () => {
      if (fail) throw new Error('the disk is away');
      return true;
    });
    await system.advance(5_000);
    fail = true;
    await system.advance(16_900);
    expect(lease.lost.aborted).toBe(false);
    expect(calls.slice(1, 4)).toEqual(['renew 10', 'renew 11', 'renew 12']);
    await system.advance(100);
    expect(lease.lost.aborted).toBe(true);
    expect(String(lease.lost.reason)).toContain('the disk is away');
    expect(calls.at(-1)).toBe('giveBack 22');
    expect(system.pending()).toBe(0);
  });

  it('gives up in time also when a renewal never answers', async () => {
    const { system, lease } = hold(() => new Promise(() => undefined));
    await system.advance(16_900);
    expect(lease.lost.aborted).toBe(false);
    await system.advance(100);
    expect(lease.lost.aborted).toBe(true);
  });

  it('counts from the beginning of a renewal, not from its answer', async () => {
    const answers: ((ours: boolean) => void)[] = [];
    const { system, lease } = hold(() => new Promise((resolve) => answers.push(resolve)));
    await system.advance(15_000);
    answers[0]?.(true);
    await system.advance(0);
    // The renewal began at 5 s, the next one begins at once and does not answer.
    await system.advance(6_900);
    expect(lease.lost.aborted).toBe(false);
    await system.advance(200);
    expect(lease.lost.aborted).toBe(true);
  });

  it('gives back only after a renewal that is on its way, which would undo it', async () => {
    const answers: ((ours: boolean) => void)[] = [];
    const { system, calls, lease } = hold(() => new Promise((resolve) => answers.push(resolve)));
    await system.advance(5_000);
    const released = lease.release();
    await system.advance(1_000);
    expect(calls).toEqual(['renew 5']);
    answers[0]?.(true);
    await released;
    expect(calls).toEqual(['renew 5', 'giveBack 6']);
  });

  it('lets go also when the store cannot be told', async () => {
    const { lease } = hold(
      async () => true,
      async () => Promise.reject(new Error('away')),
    );
    await expect(lease.release()).resolves.toBeUndefined();
  });

  it('takes it from its holder when the store is closed', async () => {
    const { calls, lease } = hold(async () => true);
    await lease.revoke();
    expect(String(lease.lost.reason)).toContain('closed');
    expect(calls).toEqual(['giveBack 0']);
  });
});
