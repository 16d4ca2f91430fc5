import { describe, expect, it } from 'vitest';
import { buildResponseFields, buildResponseHead, mayEndWithTrailers } from '../../src/forward/response-headers.ts';

describe("an answer's header fields for the client", () => {
  it.each([
    ['order, case and duplicates stay', ['Set-Cookie', 'a', 'X-b', '1', 'set-cookie', 'b', 'X-B', '']],
    ['bytes above ASCII stay', ['X', '\u00e4\u00ff\u0080']],
    ["the homeserver's own Date and Server stay", ['Date', 'today', 'Server', 'Synapse']],
    ['Trailer and Content-Length stay', ['Trailer', 'X-Sum', 'Content-Length', '5']],
  ])('%s', (_, headers) => expect(buildResponseHead(headers, 200).headers).toEqual(headers));

  it.each([
    [['Connection', 'close', 'Keep-Alive', 'timeout=5', 'Transfer-Encoding', 'chunked', 'Upgrade', 'h2c']],
    [['Proxy-Authenticate', 'Basic', 'TE', 'x', 'PROXY-CONNECTION', 'x']],
    [['Connection', 'X-Own', 'x-own', '1']],
    [['X-OWN', '1', 'Connection', 'keep-alive, x-own']],
    [['Connection', 'X-A', 'X-A', '1', 'X-B', '2', 'connection', 'x-b']],
  ])('%j: none of it', (headers) => expect(buildResponseHead(headers, 200).headers).toEqual([]));

  it('what Connection names is taken away with its value, and nothing beside it', () => {
    const headers = ['X-A', 'x-own', 'X-Own', 'X-A', 'Connection', 'x-own', 'X-B', ''];
    expect(buildResponseHead(headers, 200).headers).toEqual(['X-A', 'x-own', 'X-B', '']);
  });

  it('the framing stays even if Connection names it', () => {
    const head = buildResponseHead(['Connection', 'content-length', 'Content-Length', '7'], 200);
    expect(head).toEqual({ headers: ['Content-Length', '7'], contentLength: 7 });
  });

  it.each([
    [['Content-Length', '0'], 0],
    [['CONTENT-LENGTH', '10737418240'], 10_737_418_240],
    [['X', '1'], undefined],
  ])('%j declares %j', (headers, length) => expect(buildResponseHead(headers, 200).contentLength).toBe(length));

  it.each([
    [204, '5', []],
    [204, '0', ['Content-Length', '0']],
    [304, '5', ['Content-Length', '5']],
  ])('%i with a length of %s: %j', (status, length, headers) =>
    expect(buildResponseHead(['Content-Length', length], status).headers).toEqual(headers),
  );

  it('trailers follow the same rules, and have no length', () => {
    const raw = ['X-Sum', '1', 'Connection', 'x', 'content-length', '9', 'x-sum', '2'];
    expect(buildResponseFields(raw)).toEqual(['X-Sum', '1', 'x-sum', '2']);
  });
});

describe('an answer may end with trailers', () => {
  it.each([
    ['GET', 200, [], true],
    ['POST', 500, ['X', 'y'], true],
    ['GET', 200, ['content-Length', '5'], false],
    ['HEAD', 200, [], false],
    ['GET', 204, [], false],
    ['GET', 304, [], false],
  ] as const)('%s, %i, %j: %j', (method, status, headers, may) =>
    expect(mayEndWithTrailers(method, status, headers)).toBe(may),
  );
});
