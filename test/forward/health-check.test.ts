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

it('who asks because of what has just happened is not told what was so before', async () => {
  const answers: ((here: boolean) => void)[] = [];
  const health = createHealthCheck({ system: realSystem, ask: () => new Promise((resolve) => answers.push(resolve)) });
  const told: string[] = [];
  const check = (name: string, fresh?: boolean): void => health.check((here) => told.push(`${name} ${here}`), fresh);
  check('first');
  check('second');
  check('just now', true);
  expect(answers.length).toBe(1);
  answers[0]!(true);
  await until('two are told', () => told.length === 2);
  check('believes');
  check('just now as well', true);
  expect([told, answers.length]).toEqual([['first true', 'second true', 'believes true'], 2]);
  answers[1]!(false);
  await until('the next question is out', () => answers.length === 3);
  answers[2]!(true);
  await until('all are told', () => told.length === 5);
  expect(told.slice(3)).toEqual(['just now false', 'just now as well true']);
});
