import { describe, expect, test } from 'vitest';
import {
  corsHeaders,
  isRendezvousPath,
  limitExceeded,
  matrixError,
  preflightHeaders,
  rendezvousCorsHeaders,
  rendezvousPreflightHeaders,
} from '../../src/matrix/errors.ts';

function pairs(flat: readonly string[]): Record<string, string> {
  const entries: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) entries.push([flat[i]!, flat[i + 1]!]);
  return Object.fromEntries(entries);
}

describe('standard errors', () => {
  test('carry errcode and error', () => {
    expect(matrixError('M_UNRECOGNIZED', 'No such endpoint')).toEqual({
      errcode: 'M_UNRECOGNIZED',
      error: 'No such endpoint',
    });
  });

  test('take further members, which cannot replace errcode and error', () => {
    expect(matrixError('M_UNKNOWN', 'Down', { errcode: 'M_FORBIDDEN', error: 'x', soft: true })).toEqual({
      errcode: 'M_UNKNOWN',
      error: 'Down',
      soft: true,
    });
  });

  test.each([
    [1500, 1500],
    [0.2, 1],
    [-5, 0],
  ])('M_LIMIT_EXCEEDED after %d ms says %d', (ms, said) => {
    expect(limitExceeded('Slow down', ms)).toEqual({
      errcode: 'M_LIMIT_EXCEEDED',
      error: 'Slow down',
      retry_after_ms: said,
    });
  });
});

describe('CORS headers', () => {
  test('are those of Synapse', () => {
    expect(pairs(corsHeaders)).toEqual({
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, DELETE, OPTIONS',
      'Access-Control-Allow-Headers': 'X-Requested-With, Content-Type, Authorization, Date',
      'Access-Control-Expose-Headers': 'Synapse-Trace-Id, Server',
    });
  });

  test('of the rendezvous endpoints allow entity tags', () => {
    expect(pairs(rendezvousCorsHeaders)).toMatchObject({
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Headers': 'Content-Type, If-Match, If-None-Match',
      'Access-Control-Expose-Headers': 'Synapse-Trace-Id, Server, ETag',
    });
  });

  test.each([
    ['the common ones', preflightHeaders, corsHeaders],
    ['the rendezvous ones', rendezvousPreflightHeaders, rendezvousCorsHeaders],
  ])('of a preflight are %s and are kept for ten minutes', (_, preflight, plain) => {
    expect(pairs(preflight)).toEqual({ ...pairs(plain), 'Access-Control-Max-Age': '600' });
  });

  test('cannot be changed by whoever sends them', () => {
    for (const list of [corsHeaders, rendezvousCorsHeaders, preflightHeaders, rendezvousPreflightHeaders]) {
      expect(Object.isFrozen(list)).toBe(true);
    }
  });

  test.each([
    ['/_matrix/client/unstable/org.matrix.msc4108/rendezvous', true],
    ['/_matrix/client/unstable/org.matrix.msc4108/rendezvous/', false],
    ['/_synapse/client/rendezvous/abc', true],
    ['/_matrix/client/v3/sync', false],
    ['/', false],
  ])('%s is a rendezvous path: %s', (path, expected) => {
    expect(isRendezvousPath(path)).toBe(expected);
  });
});
