import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, openRequest, VERSIONS } from '../harness/stream-client.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
let onRequest: (request: IncomingMessage, response: ServerResponse) => void;

const SIZE = 16 * 1024 * 1024;
const PIECE = randomBytes(1024 * 1024);

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => onRequest(request, response));
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

/** SIZE bytes that differ in every MiB, and their hash. */
function* pieces(): Generator<Buffer> {
  for (let index = 0; index < SIZE / PIECE.length; index++) {
    const piece = Buffer.from(PIECE);
    piece.writeUInt32BE(index);
    yield piece;
  }
}
function expectedHash(): string {
  const hash = createHash('sha256');
  for (const piece of pieces()) hash.update(piece);
  return hash.digest('hex');
}

describe.each(VERSIONS)('over %s', (version) => {
  it('the first bytes of an answer are there before the last are made', async () => {
    let answering: ServerResponse | undefined;
    onRequest = (_request, response) => {
      answering = response;
      response.write('first');
    };
    const sent = openRequest(sidecar, version);
    const incoming = await sent.incoming;
    const [first] = (await once(incoming, 'data')) as [Buffer];
    expect(first.toString()).toBe('first');
    answering?.end('last');
    const [last] = (await once(incoming, 'data')) as [Buffer];
    expect(last.toString()).toBe('last');
    sent.close();
  });

  it('the headers of an answer are there before any of its body is made', async () => {
    onRequest = (_request, response) => response.writeHead(200, { 'X-Early': '1' }).flushHeaders();
    const sent = openRequest(sidecar, version);
    expect((await sent.head).all('x-early')).toEqual(['1']);
    sent.close();
  });

  it('the first bytes of an upload are there before the last are sent', async () => {
    let seen = '';
    let ended = false;
    onRequest = (request, response) => {
      request.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
      });
      request.on('end', () => {
        ended = true;
        response.end('thanks');
      });
    };
    const sent = openRequest(sidecar, version, { method: 'POST', hasBody: true });
    sent.outgoing.write('first');
    await until('the first bytes at the homeserver', () => seen === 'first');
    expect(ended).toBe(false);
    sent.outgoing.write('second');
    await until('the second bytes at the homeserver', () => seen === 'firstsecond');
    expect(ended).toBe(false);
    sent.outgoing.end('last');
    expect((await sent.end()).body.toString()).toBe('thanks');
    expect(seen).toBe('firstsecondlast');
    sent.close();
  });

  it('an answer and an upload can run at the same time, each at its own pace', async () => {
    onRequest = (request, response) => {
      response.write('>');
      request.on('data', (chunk: Buffer) => response.write(chunk));
      request.on('end', () => response.end('<'));
    };
    const sent = openRequest(sidecar, version, { method: 'POST', hasBody: true });
    sent.outgoing.write('a');
    const incoming = await sent.incoming;
    let seen = '';
    incoming.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    await until('the echo of the first', () => seen === '>a');
    sent.outgoing.write('b');
    await until('the echo of the second', () => seen === '>ab');
    sent.outgoing.end('c');
    await until('the end', () => seen === '>abc<');
    sent.close();
  });

  it.each([
    ['a length', String(SIZE)],
    ['no length', undefined],
  ])('16 MiB down with %s are the same bytes', async (_, length) => {
    onRequest = async (_request, response) => {
      if (length !== undefined) response.setHeader('Content-Length', length);
      for (const piece of pieces()) if (!response.write(piece)) await once(response, 'drain');
      response.end();
    };
    const { body, complete } = await exchangeWhole(sidecar, version);
    expect([body.length, complete]).toEqual([SIZE, true]);
    expect(createHash('sha256').update(body).digest('hex')).toBe(expectedHash());
  });

  it.each([
    ['a length', ['Content-Length', String(SIZE)]],
    ['no length', []],
  ])('16 MiB up with %s are the same bytes', async (_, headers) => {
    onRequest = (request, response) => {
      const hash = createHash('sha256');
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      request.on('end', () => response.end(hash.digest('hex')));
    };
    const sent = openRequest(sidecar, version, {
      method: 'POST',
      path: '/_matrix/media/v3/upload',
      headers,
      hasBody: true,
    });
    for (const piece of pieces()) if (!sent.outgoing.write(piece)) await once(sent.outgoing, 'drain');
    sent.outgoing.end();
    expect((await sent.end()).body.toString()).toBe(expectedHash());
    sent.close();
  });
});
