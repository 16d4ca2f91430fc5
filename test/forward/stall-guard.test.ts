import { beforeEach, describe, expect, it } from 'vitest';
import { createStallGuard, type StallGuard } from '../../src/forward/stall-guard.ts';
import { createManualSystem, type ManualSystem } from '../tls/manual-system.ts';

const PERIOD = 60_000;
const LEAST = 4 * 1024;

let system: ManualSystem;
let stalls = 0;
let guard: StallGuard;
beforeEach(() => {
  system = createManualSystem();
  stalls = 0;
  guard = createStallGuard(PERIOD, () => stalls++, system);
});

describe('a body', () => {
  it('that does not begin is stalled after one period, once', async () => {
    await system.advance(PERIOD - 1);
    expect(stalls).toBe(0);
    await system.advance(1);
    expect(stalls).toBe(1);
    await system.advance(5 * PERIOD);
    expect(stalls).toBe(1);
    expect(system.pending()).toBe(0);
  });

  it('that moves enough in every period may take for ever', async () => {
    for (let index = 0; index < 5; index++) {
      await system.advance(PERIOD / 2);
      guard.moved(LEAST);
      await system.advance(PERIOD / 2);
    }
    expect(stalls).toBe(0);
  });

  it('that trickles is stalled, however often a byte comes', async () => {
    for (let index = 0; index < 10; index++) {
      guard.moved(1);
      await system.advance(PERIOD / 10);
    }
    expect(stalls).toBe(1);
  });

  it('is judged by each period alone: what came before does not count', async () => {
    guard.moved(100 * LEAST);
    await system.advance(PERIOD);
    expect(stalls).toBe(0);
    guard.moved(LEAST - 1);
    await system.advance(PERIOD);
    expect(stalls).toBe(1);
  });

  it('is not watched while paused', async () => {
    guard.pause();
    await system.advance(3 * PERIOD);
    expect(stalls).toBe(0);
  });

  it('has a period of its own after a pause, and is then watched again', async () => {
    guard.pause();
    await system.advance(1.9 * PERIOD);
    guard.resume();
    await system.advance(0.5 * PERIOD);
    expect(stalls).toBe(0);
    await system.advance(PERIOD);
    expect(stalls).toBe(1);
  });

  it('gains nothing from resume without pause', async () => {
    guard.resume();
    await system.advance(PERIOD);
    expect(stalls).toBe(1);
  });

  it('that has ended is not watched any more', async () => {
    guard.stop();
    guard.stop();
    await system.advance(3 * PERIOD);
    expect([stalls, system.pending()]).toEqual([0, 0]);
  });

  it('that ended after some periods is not watched any more either', async () => {
    guard.moved(LEAST);
    await system.advance(PERIOD);
    guard.stop();
    await system.advance(3 * PERIOD);
    expect([stalls, system.pending()]).toEqual([0, 0]);
  });
});
