import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import type { Delivery } from '../../src/observe/send-message.ts';
import { createWebhook, type WebhookSlice } from '../../src/observe/webhook.ts';
import { startWebhookServer, type WebhookServer } from '../harness/webhook-server.ts';
import { makeCertificate } from '../tls/make-certificate.ts';

let server: WebhookServer;
beforeEach(async () => {
  server = await startWebhookServer();
});
afterEach(() => server.close());

const MESSAGE = { text: 'hello', names: ['ä.test'] };

async function post(slice: Partial<WebhookSlice> = {}, signal = new AbortController().signal): Promise<Delivery> {
  const webhook = createWebhook({ url: server.url, ca: server.ca, ...slice }, { system: realSystem });
  try {
    return await webhook.post(MESSAGE, signal, 'transaction');
  } finally {
    await webhook.close();
  }
}

/** One that is alike, but nothing listens there any more. */
async function findClosedUrl(): Promise<string> {
  const gone = await startWebhookServer();
  await gone.close();
  return gone.url;
}

function expectNoSecret(delivery: Delivery): void {
  for (const secret of server.secrets) expect(JSON.stringify(delivery)).not.toContain(secret);
}

describe('a webhook', () => {
  it('gets JSON by POST at the whole URL', async () => {
    expect(await post()).toEqual({ ok: true });
    expect(server.posted).toHaveLength(1);
    expect(server.posted[0]).toMatchObject({ method: 'POST', contentType: 'application/json' });
    expect(`https://${server.host}${server.posted[0]?.path}`).toBe(server.url);
    expect(server.messages()).toEqual([MESSAGE]);
  });

  it.each([200, 201, 204])('that answers %i has it', async (status) => {
    server.answerWith((response) => void response.writeHead(status).end());
    expect(await post()).toEqual({ ok: true });
  });

  it('that answers without end has it all the same', async () => {
    server.answerWith((response) => {
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(more));
      };
      more();
    });
    expect(await post({ timeout: 1_000 })).toEqual({ ok: true });
  });

  it.each([
    [301, ' a redirect, which is not followed'],
    [308, ' a redirect, which is not followed'],
  ])('that redirects with %i has not, and nobody else gets it', async (status, words) => {
    const other = await startWebhookServer();
    server.answerWith((response) => void response.writeHead(status, { location: other.url }).end());
    const delivery = await post();
    expect(delivery).toEqual({ ok: false, status, why: `it answered ${status},${words}`, retryAfter: undefined });
    expect(other.posted).toEqual([]);
    await other.close();
  });

  it.each([
    [429, '30', 30],
    [503, undefined, undefined],
    [500, 'Fri, 31 Dec 1999 23:59:59 GMT', undefined],
    [404, '-1', undefined],
  ])('that answers %i (Retry-After: %s) has not, and its page is not repeated', async (status, after, retryAfter) => {
    server.answerWith((response, request) => {
      response.writeHead(status, after === undefined ? {} : { 'retry-after': after });
      response.end(`Cannot POST ${request.url}`);
    });
    const delivery = await post();
    expect(delivery).toEqual({ ok: false, status, why: `it answered ${status}`, retryAfter });
    expectNoSecret(delivery);
  });

  it('gets nothing while its certificate is not trusted', async () => {
    const delivery = await post({ ca: makeCertificate({ commonName: 'another root', ca: true }).certPem });
    expect(delivery).toMatchObject({ ok: false, why: expect.stringContaining('certificate') });
    expect(server.posted).toEqual([]);
    expectNoSecret(delivery);
  });

  it('gets nothing while its certificate is for another name', async () => {
    const misnamed = await startWebhookServer({ names: ['other.test'] });
    const delivery = await post({ url: misnamed.url, ca: misnamed.ca });
    expect(delivery).toMatchObject({ ok: false, why: expect.stringContaining('localhost') });
    expect(misnamed.posted).toEqual([]);
    expectNoSecret(delivery);
    await misnamed.close();
  });

  it('that does not answer is given up in time', async () => {
    server.answerWith(() => {});
    const delivery = await post({ timeout: 200 });
    expect(delivery).toEqual({ ok: false, why: 'no answer within 0.2 s', retryAfter: undefined });
  });

  it('that hangs up, or is not there, has not', async () => {
    server.answerWith((response) => void response.destroy());
    for (const url of [server.url, await findClosedUrl()]) {
      const delivery = await post({ url });
      expect(delivery.ok).toBe(false);
      expectNoSecret(delivery);
    }
  });

  it('is left at once when the sidecar stops', async () => {
    server.answerWith(() => {});
    const stop = new AbortController();
    const posting = post({}, stop.signal);
    setTimeout(() => stop.abort(new Error('stopped')), 100);
    await expect(posting).rejects.toThrow('stopped');
  });
});
