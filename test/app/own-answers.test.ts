import { describe, expect, it } from 'vitest';
import { createOwnAnswers, type OwnAnswers } from '../../src/app/own-answers.ts';
import { realSystem } from '../../src/base/system.ts';
import type { Exchange } from '../../src/forward/exchange.ts';
import { renderWellKnown } from '../../src/matrix/well-known.ts';
import { type Answered, createFakeExchange } from './fake-exchange.ts';

const answers = createOwnAnswers({ system: { ...realSystem, now: () => Date.UTC(2026, 0, 2, 3, 4, 5) } });

function give(act: (answers: OwnAnswers, exchange: Exchange) => void, request: Partial<Exchange> = {}): Answered {
  const { exchange, answered } = createFakeExchange(request);
  act(answers, exchange);
  return answered;
}

const DATE = 'Fri, 02 Jan 2026 03:04:05 GMT';
const document = renderWellKnown({ 'm.server': 'm.a.test:443' });
const notFound = { status: 404, errcode: 'M_NOT_FOUND', message: 'Nothing here.' } as const;

describe('an error', () => {
  it('is JSON that browsers can read and caches do not keep', () => {
    const { status, headers, body, closing } = give((to, exchange) => to.error(exchange, notFound));
    expect([status, body, closing]).toEqual([404, '{"errcode":"M_NOT_FOUND","error":"Nothing here."}', false]);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '49',
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
      date: DATE,
    });
    expect(headers).not.toHaveProperty('retry-after');
    expect(headers).not.toHaveProperty('allow');
  });

  it('counts bytes, not characters', () => {
    const { headers, body } = give((to, exchange) => to.error(exchange, { ...notFound, message: 'ä €' }));
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body ?? '')));
  });

  it('says when to come back, in whole seconds, and what is allowed', () => {
    const { headers } = give((to, exchange) => to.error(exchange, { ...notFound, retryAfter: 1.2, allow: 'GET' }));
    expect([headers['retry-after'], headers['allow']]).toEqual(['2', 'GET']);
  });

  it('ends the connection where the client may still be sending', () => {
    const { status, closing, body } = give((to, exchange) => to.error(exchange, notFound), { hasBody: true });
    expect([status, closing]).toEqual([404, true]);
    expect(body).toContain('M_NOT_FOUND');
  });
});

it('HEAD gets the headers alone', () => {
  const whole = give((to, exchange) => to.text(exchange, 200, 'ok\n'));
  const head = give((to, exchange) => to.text(exchange, 200, 'ok\n'), { method: 'HEAD' });
  expect([head.body, head.headers]).toEqual(['', whole.headers]);
  expect(whole.headers['content-length']).toBe('3');
});

it.each([
  ['that was answered', { answered: true }],
  ['whose client is gone', { closed: true }],
])('nothing is said on an exchange %s', (_case, state) => {
  expect(give((to, exchange) => to.error(exchange, notFound), state).status).toBeUndefined();
});

describe('a well-known document', () => {
  const conditional = (...fields: string[]): Answered =>
    give((to, exchange) => to.wellKnown(exchange, document), {
      headers: fields.flatMap((value) => ['If-None-Match', value]),
    });

  it('is published whole to who does not have it', () => {
    const { status, headers, body } = conditional();
    expect([status, body, headers['etag'], headers['date']]).toEqual([
      200,
      '{"m.server":"m.a.test:443"}',
      document.etag,
      DATE,
    ]);
  });

  it.each([
    [[document.etag]],
    [[`W/${document.etag}`]],
    [[`"other", ${document.etag}`]],
    [[`"other",${document.etag} , "more"`]],
    [['"other"', document.etag]],
    [['*']],
    [[' * ']],
  ])('is not sent again to who has it: %j', (fields) => {
    const { status, headers, body } = conditional(...fields);
    expect([status, body, headers['etag'], headers['content-length']]).toEqual([304, '', document.etag, undefined]);
  });

  it.each([['"other"'], [''], [document.etag.slice(1, -1)], ['"*"'], [`X/${document.etag}`], ['"a", *']])(
    'is sent to who has another: %j',
    (field) => {
      expect(conditional(field).status).toBe(200);
    },
  );
});

it('a preflight has no body and no length', () => {
  const { status, headers, body } = give((to, exchange) => to.preflight(exchange, 'matrix'), { method: 'OPTIONS' });
  expect([status, body, headers['content-length']]).toEqual([204, '', undefined]);
  expect(headers['access-control-max-age']).toBe('600');
});

it('the rendezvous preflight has permissions of its own', () => {
  const { headers } = give((to, exchange) => to.preflight(exchange, 'rendezvous'), { method: 'OPTIONS' });
  expect(headers['access-control-allow-headers']).toContain('If-Match');
});

it('a redirect says where to, in header and body', () => {
  const { status, headers, body } = give((to, exchange) => to.redirect(exchange, 'https://a.test/x'));
  expect([status, headers['location'], body]).toEqual([301, 'https://a.test/x', 'Moved to https://a.test/x\n']);
  expect(headers['access-control-allow-origin']).toBe('*');
});

it('JSON is JSON', () => {
  const { headers, body } = give((to, exchange) => to.json(exchange, 200, { a: [1] }));
  expect([headers['content-type'], body]).toEqual(['application/json', '{"a":[1]}']);
});
