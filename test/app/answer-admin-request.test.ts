import { expect, it } from 'vitest';
import { answerAdminRequest } from '../../src/app/answer-admin-request.ts';
import { createOwnAnswers } from '../../src/app/own-answers.ts';
import { realSystem } from '../../src/base/system.ts';
import { createRecordingLog } from '../tls/recording-log.ts';
import { createFakeExchange } from './fake-exchange.ts';

it('a defect behind the admin listener costs one request: 500, and an error in the log', async () => {
  const log = createRecordingLog();
  const fails = (): never => {
    throw new Error('a defect');
  };
  const deps = {
    log,
    answers: createOwnAnswers({ system: realSystem }),
    status: fails,
    page: async () => fails(),
    readiness: async () => fails(),
    metrics: { scrape: async () => fails() },
    tester: { answer: async () => fails(), answerKeys: async () => fails(), close: () => {} },
  };
  for (const target of ['/', '/api/status', '/readyz', '/metrics']) {
    const { exchange, answered } = createFakeExchange({ target });
    await answerAdminRequest(exchange, deps);
    expect([target, answered.status]).toEqual([target, 500]);
    expect(answered.body).not.toContain('a defect');
  }
  expect(log.at('error')).toHaveLength(4);
});
