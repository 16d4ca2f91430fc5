import { expect, it } from 'vitest';
import { countConnections } from '../../../src/app/count-connections.ts';
import { realSystem } from '../../../src/base/system.ts';
import type { Config } from '../../../src/config/config.ts';
import { createMetrics } from '../../../src/observe/metrics.ts';

const NOBODY = { contains: () => false };
const CONFIG = {
  limits: { connections: 1_000, connectionsPerClient: 1_000, idleConnections: 1_000 },
  listen: { proxyProtocolFrom: NOBODY },
  routes: { trustedProxies: NOBODY },
} as unknown as Config;

// Each of them had 32 connections closed, and again every tenth of a second: all keep-alives, and whoever shook hands.
it('fifty requests that wait for a file descriptor have no more closed than one', () => {
  let now = 1_000;
  const silent = (): void => {};
  const limits = countConnections({
    system: { ...realSystem, monotonic: () => now },
    log: { debug: silent, info: silent, warn: silent, error: silent },
    metrics: createMetrics(),
    config: () => CONFIG,
    descriptors: undefined,
  });
  for (let index = 0; index < 500; index++)
    limits.enter({ destroy: silent, once: silent })?.identify(`198.51.${index >> 7}.${index & 127}`);
  const exhaust = (): void => {
    for (let count = 0; count < 50; count++) limits.onExhausted();
  };
  exhaust();
  expect(limits.status.open).toBe(500 - 32);
  // They try again every tenth of a second.
  now += 100;
  exhaust();
  expect(limits.status.open).toBe(500 - 64);
});
