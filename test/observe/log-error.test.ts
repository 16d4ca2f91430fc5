import { describe, expect, it } from 'vitest';
import { AcmeProblem } from '../../src/acme/problem.ts';
import { explainUnreachable } from '../../src/acme/read-problem.ts';
import { SidecarError } from '../../src/base/errors.ts';
import { describeForLog } from '../../src/observe/log-error.ts';
import { explainStoreFailure } from '../../src/store/store-failure.ts';

function thrownBy(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not throw');
}

const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });
const provider = new SidecarError('The DNS provider said no.', {
  code: 'dns-provider',
  blame: 'operator',
  hint: 'Do.',
});
const mistake = thrownBy(() => (undefined as unknown as { x: string }).x);
const ours = new SidecarError('This cannot be.', { code: 'store-key', blame: 'us' });

describe('an error in the log', () => {
  it.each<[string, Error]>([
    ['of a full disk', explainStoreFailure(full, 'write', '/store', '/store/a')],
    ['of a CA that is away', explainUnreachable('https://ca.example/dir', refused, undefined)],
    ['of a provider that refuses', provider],
    [
      'of a document that is no JSON',
      new SidecarError('Damaged.', { code: 'a', blame: 'operator', cause: thrownBy(() => JSON.parse('{')) }),
    ],
  ])('%s has no stack', (_, error) => {
    expect(JSON.stringify(describeForLog(error))).not.toMatch(/stack|at .*\.ts:\d/);
  });

  it('says what happened, whose it is, what to do, and what the cause was', () => {
    expect(JSON.parse(JSON.stringify(describeForLog(explainStoreFailure(full, 'write', '/s', '/s/a'))))).toEqual({
      type: 'SidecarError',
      message: 'The store cannot write /s/a: the disk is full.',
      code: 'store-full',
      blame: 'operator',
      hint: 'Free some space where /s is. What was stored before is unharmed.',
      cause: { type: 'Error', message: full.message, code: 'ENOSPC' },
    });
  });

  it("has the CA's own problem document", () => {
    const problem = { type: 'caa', detail: 'no', status: 403, subproblems: [] };
    expect(describeForLog(new AcmeProblem(problem, 'The CA refused'))).toMatchObject({ code: 'acme-refused', problem });
  });

  it.each<[string, Error]>([
    ['of a mistake', mistake],
    ['of an error that nobody explained', new Error('odd')],
    [
      'of one of the system that nobody expected',
      Object.assign(new Error('reset'), { code: 'ECONNRESET', syscall: 'read' }),
    ],
    ['of one of ours that says so', ours],
    [
      'of a mistake below one of ours',
      new SidecarError('No.', { code: 'store-failed', blame: 'operator', cause: mistake }),
    ],
    ['of a mistake that a library found', thrownBy(() => Buffer.from(undefined as unknown as string))],
  ])('%s has its stack', (_, error) => {
    expect(JSON.stringify(describeForLog(error))).toMatch(/"stack":"[^"]*log-error\.test\.ts/);
  });

  it('ends where causes go round in a circle, and takes anything', () => {
    const round: { cause?: unknown } & Error = new SidecarError('Round.', { code: 'a', blame: 'operator' });
    Object.assign(round, { cause: round });
    expect(JSON.stringify(describeForLog(round)).match(/Round/g)).toHaveLength(6);
    expect([describeForLog('text'), describeForLog(undefined), describeForLog(null)]).toEqual([
      'text',
      undefined,
      null,
    ]);
  });
});
