import { expect, it, onTestFinished } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { createHealthCheck } from '../../src/forward/health-check.ts';
import { until } from '../harness/until.ts';

it('one of those who ask together throws, and the others are told all the same', async () => {
  const thrown: unknown[] = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => thrown.push(error));
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener);
  });
  const defect = new Error('a defect');
  const told: boolean[] = [];
  const health = createHealthCheck({ system: realSystem, ask: async () => true });
  health.check(() => {
    throw defect;
  });
  health.check((here) => told.push(here));
  health.check((here) => told.push(here));
  await until('it is told', () => thrown.length > 0);
  expect(told).toEqual([true, true]);
  expect(thrown).toEqual([defect]);
});
