import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { answerFor, explainFailure, isConnectionLoss } from '../../src/forward/failure.ts';
import { badAnswer, WireError } from '../../src/forward/upstream/wire-error.ts';

const coded = (code: string): Error => Object.assign(new Error(`it was ${code}`), { code });
const explain = (error: unknown, received = 0): SidecarError => explainFailure(error, 'http://10.0.0.5:8008', received);
const parserError = badAnswer('its status line is malformed');
const late = new WireError('ERR_UPSTREAM_ANSWER_LATE', 'late');

describe('an error of the upstream side', () => {
  it.each<[string, unknown, number, string, string, number]>([
    ['refused', coded('ECONNREFUSED'), 0, 'upstream-unreachable', 'upstream', 502],
    ['no such name', coded('ENOTFOUND'), 0, 'upstream-unreachable', 'upstream', 502],
    ['the resolver is not there', coded('EAI_AGAIN'), 0, 'upstream-unreachable', 'upstream', 502],
    ['no such unix socket', coded('ENOENT'), 0, 'upstream-unreachable', 'upstream', 502],
    ['a unix socket that is not ours', coded('EACCES'), 0, 'upstream-unreachable', 'upstream', 502],
    ['no route', coded('EHOSTUNREACH'), 0, 'upstream-unreachable', 'upstream', 502],
    ['no ports left', coded('EADDRNOTAVAIL'), 0, 'upstream-unreachable', 'upstream', 502],
    ['no files left', coded('EMFILE'), 0, 'upstream-unreachable', 'upstream', 502],
    [
      'all addresses refused',
      new AggregateError([coded('ECONNREFUSED'), coded('EHOSTUNREACH')]),
      0,
      'upstream-unreachable',
      'upstream',
      502,
    ],
    ['reset', coded('ECONNRESET'), 0, 'upstream-closed', 'upstream', 502],
    ['closed', new WireError('ERR_UPSTREAM_CLOSED', 'it closed the connection'), 0, 'upstream-closed', 'upstream', 502],
    ['a broken pipe', coded('EPIPE'), 1_000_000, 'upstream-closed', 'upstream', 502],
    ['reset below the cap', coded('ECONNRESET'), 13_107_199, 'upstream-closed', 'upstream', 502],
    ['reset at the cap', coded('ECONNRESET'), 13_107_200, 'body-refused', 'client', 413],
    ['a broken pipe beyond the cap', coded('EPIPE'), 50_000_000, 'body-refused', 'client', 413],
    ['refused beyond the cap', coded('ECONNREFUSED'), 50_000_000, 'upstream-unreachable', 'upstream', 502],
    ['no answer in time', late, 0, 'upstream-deadline', 'upstream', 504],
    [
      'an answer that stands still',
      new WireError('ERR_UPSTREAM_ANSWER_STALLED', 'stalled'),
      0,
      'upstream-deadline',
      'upstream',
      504,
    ],
    ['no answer to an upgrade in time', coded('ERR_UPSTREAM_UPGRADE_TIMEOUT'), 0, 'upstream-deadline', 'upstream', 504],
    ['garbage', parserError, 0, 'upstream-invalid-answer', 'upstream', 502],
    ['garbage under an upgrade', coded('HPE_INVALID_CONSTANT'), 0, 'upstream-invalid-answer', 'upstream', 502],
    [
      'a request that cannot be written',
      new WireError('ERR_UPSTREAM_REQUEST', 'its target is malformed'),
      0,
      'request-not-forwardable',
      'client',
      400,
    ],
    ['a defect', new TypeError('x is undefined'), 0, 'unexpected', 'us', 500],
    ['no error at all', 'what', 0, 'unexpected', 'us', 500],
  ])('%s', (_, error, received, code, blame, status) => {
    const explained = explain(error, received);
    expect([explained.code, explained.blame]).toEqual([code, blame]);
    expect(answerFor(explained).status).toBe(status);
    if (error instanceof Error) expect(explained.cause).toBe(error);
  });

  it('tells the operator where the homeserver is, and the client not', () => {
    for (const code of ['ECONNREFUSED', 'ECONNRESET', 'HPE_INVALID_CONSTANT']) {
      const explained = explain(coded(code));
      expect(explained.message).toContain('10.0.0.5:8008');
      expect(answerFor(explained).message).not.toContain('10.0.0.5');
    }
    expect(answerFor(explain(late)).message).not.toContain('10.0.0.5');
  });

  it('names every address that was tried', () => {
    const all = new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')]);
    expect(explain(all).message).toContain('it was ECONNREFUSED; it was ENETUNREACH');
  });

  it('that is explained already stays what it is', () => {
    const own = new SidecarError('too large', { code: 'body-too-large', blame: 'client' });
    expect(explain(own)).toBe(own);
  });
});

describe('the answer to the client', () => {
  const answer = (code: string, blame: SidecarError['blame'], retryAfter?: number) =>
    answerFor(new SidecarError('the reason', { code, blame, ...(retryAfter === undefined ? {} : { retryAfter }) }));

  it.each([
    ['body-too-large', 'client', 413, 'M_TOO_LARGE', undefined],
    ['body-refused', 'client', 413, 'M_TOO_LARGE', undefined],
    ['body-stalled', 'client', 408, 'M_UNKNOWN', undefined],
    ['request-incomplete', 'client', 400, 'M_UNKNOWN', undefined],
    ['upstream-deadline', 'upstream', 504, 'M_UNKNOWN', 30],
    ['upstream-connect-timeout', 'upstream', 504, 'M_UNKNOWN', 30],
    ['upstream-closed', 'upstream', 502, 'M_UNKNOWN', 5],
    ['anything', 'remote', 502, 'M_UNKNOWN', 5],
    ['anything', 'operator', 502, 'M_UNKNOWN', 5],
    ['unexpected', 'us', 500, 'M_UNKNOWN', undefined],
  ] as const)('to %s (%s) is %i %s, with Retry-After %s', (code, blame, status, errcode, retryAfter) => {
    expect(answer(code, blame)).toMatchObject({ status, errcode, retryAfter });
  });

  it('is 408 instead of 502 and 504 where peers are to be told mildly, and as ever where it is not the homeserver', () => {
    const mildly = (code: string, blame: SidecarError['blame']) =>
      answerFor(new SidecarError('the reason', { code, blame }), true);
    expect(mildly('upstream-unreachable', 'upstream')).toMatchObject({
      status: 408,
      errcode: 'M_UNKNOWN',
      retryAfter: 5,
    });
    expect(mildly('upstream-deadline', 'upstream').status).toBe(408);
    expect(mildly('body-too-large', 'client').status).toBe(413);
    expect(mildly('unexpected', 'us').status).toBe(500);
  });

  it('takes over a given Retry-After', () => {
    expect(answer('upstream-closed', 'upstream', 17).retryAfter).toBe(17);
    expect(answer('upstream-deadline', 'upstream', 17).retryAfter).toBe(17);
  });

  it('says what was wrong where the client can mend it, and nothing of our insides where not', () => {
    expect(answer('request-incomplete', 'client').message).toBe('the reason');
    expect(answer('unexpected', 'us').message).not.toContain('the reason');
    expect(answer('upstream-closed', 'upstream').message).not.toContain('the reason');
  });
});

describe('the connection died under the request', () => {
  it.each([
    [coded('ECONNRESET'), true],
    [coded('EPIPE'), true],
    [new WireError('ERR_UPSTREAM_CLOSED', 'it closed the connection'), true],
    [coded('ECONNREFUSED'), false],
    [late, false],
    [parserError, false],
    [new Error('no code'), false],
    [undefined, false],
  ])('%s: %j', (error, lost) => expect(isConnectionLoss(error)).toBe(lost));
});
