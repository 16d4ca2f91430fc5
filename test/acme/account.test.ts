import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { caFolder } from '../../src/acme/ca-folder.ts';
import { AcmeProblem } from '../../src/acme/problem.ts';
import { requireStoreKey } from '../../src/store/store.ts';
import { thumbprintOf } from '../harness/scripted-jws.ts';
import { problem } from '../harness/scripted-rules.ts';
import { failureOf, NEVER, type OpenedCa, withCa } from './open-ca.ts';

const recordOf = ({ store }: OpenedCa) => {
  expect([...store.values.keys()]).toEqual([expect.stringMatching(/^acme\/localhost-[0-9a-f]{8}\/account\.json$/)]);
  const [bytes] = [...store.values.values()];
  return JSON.parse(bytes!.toString()) as { key: string; url?: string; contact: string[] };
};
const changeRecord = (opened: OpenedCa, change: object): void => {
  const [key] = [...opened.store.values.keys()];
  opened.store.values.set(key!, Buffer.from(JSON.stringify({ ...recordOf(opened), ...change })));
};
const order = { identifiers: [{ type: 'dns' as const, value: 'a.test' }] };

describe('an account', () => {
  it('is made once, with a P-256 key, and stored with its key, URL and contact', async () => {
    await withCa(
      async (opened) => {
        const account = await opened.ca.account(NEVER);
        const record = recordOf(opened);
        expect(record).toMatchObject({ url: account.url, contact: ['mailto:admin@a.test'] });
        expect(record.key).toBe(account.key);
        expect(createPrivateKey(record.key).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
        const [known] = opened.scripted.orders.accounts;
        expect(known).toMatchObject({ contact: ['mailto:admin@a.test'] });
        expect(account.thumbprint).toBe(thumbprintOf(known!.jwk));
        await opened.ca.account(NEVER);
        await opened.again().account(NEVER);
        expect(opened.scripted.count('new-account')).toBe(1);
        expect(opened.scripted.count('account')).toBe(0);
      },
      {},
      { contact: 'admin@a.test' },
    );
  });

  it('is one when two ask for it at the same time, and each may leave without the other', async () => {
    await withCa(async (opened) => {
      const stop = new AbortController();
      const leaving = failureOf(opened.ca.account(stop.signal));
      const staying = opened.ca.account(NEVER);
      const reason = new Error('left');
      stop.abort(reason);
      expect(await leaving).toBe(reason);
      const [one, two] = await Promise.all([staying, opened.ca.account(NEVER)]);
      expect(one).toBe(two);
      expect(opened.scripted.orders.accounts).toHaveLength(1);
      expect(opened.scripted.count('new-account')).toBe(1);
    });
  });

  it('has its key stored before the CA hears of it, and is found again by it after a cut', async () => {
    await withCa(async (opened) => {
      opened.scripted.script('new-account', 'cut-after-work');
      expect(await failureOf(opened.ca.account(NEVER))).toMatchObject({ problem: { type: 'connection-cut' } });
      const { key, url } = recordOf(opened);
      expect(url).toBeUndefined();
      const account = await opened.again().account(NEVER);
      expect(account.key).toBe(key);
      expect(opened.scripted.orders.accounts).toHaveLength(1);
      expect(opened.scripted.seen.at(-1)).toMatchObject({ step: 'new-account', payload: { onlyReturnExisting: true } });
    });
  });

  it('is found again by its key when its URL was lost, without the binding, which works only once', async () => {
    await withCa(
      async (opened) => {
        const { url } = await opened.ca.account(NEVER);
        changeRecord(opened, { url: undefined });
        expect((await opened.again({ eab: undefined, termsAgreed: false }).account(NEVER)).url).toBe(url);
        expect(recordOf(opened).url).toBe(url);
        expect(opened.scripted.orders.accounts).toHaveLength(1);
      },
      { binding: { kid: 'kid-1', hmacKey: Buffer.from('a secret of sixteen').toString('base64url') } },
      { eab: { kid: 'kid-1', hmacKey: Buffer.from('a secret of sixteen').toString('base64url') } },
    );
  });

  it('is made anew, with the same key, at a CA that has forgotten it, in the middle of what was asked', async () => {
    await withCa(async (opened) => {
      const { key } = await opened.ca.account(NEVER);
      opened.scripted.orders.forgetAccounts();
      const made = await opened.ca.newOrder(order, NEVER);
      expect(made.status).toBe('pending');
      expect(opened.scripted.orders.accounts).toHaveLength(1);
      expect(recordOf(opened).key).toBe(key);
      expect(opened.log.at('warn')).toEqual([expect.stringContaining('does not know the account any more')]);
    });
  });

  it('is told of a contact that has changed, once', async () => {
    await withCa(
      async (opened) => {
        await opened.ca.account(NEVER);
        await opened.again({ contact: 'new@a.test' }).account(NEVER);
        expect(opened.scripted.orders.accounts).toMatchObject([{ contact: ['mailto:new@a.test'] }]);
        await opened.again({ contact: 'new@a.test' }).account(NEVER);
        expect(opened.scripted.count('account')).toBe(1);
        await opened.again({ contact: undefined }).account(NEVER);
        expect(opened.scripted.orders.accounts).toMatchObject([{ contact: [] }]);
      },
      {},
      { contact: 'old@a.test' },
    );
  });

  it('stays usable when the CA does not like the new contact, with a warning', async () => {
    await withCa(async (opened) => {
      const { url } = await opened.ca.account(NEVER);
      opened.scripted.script('account', { answer: problem(400, 'invalidContact', 'no such domain') });
      expect((await opened.again({ contact: 'admin@wrong' }).account(NEVER)).url).toBe(url);
      expect(opened.log.at('warn')).toEqual([expect.stringContaining('no such domain')]);
      expect(recordOf(opened).contact).toEqual([]);
    });
  });

  it.each(['deactivated', 'revoked'])('that is %s is said to be so, and which value to remove', async (status) => {
    await withCa(async (opened) => {
      await opened.ca.account(NEVER);
      Object.assign(opened.scripted.orders.accounts[0]!, { status });
      const changed = opened.again();
      const error = await failureOf(changed.newOrder(order, NEVER));
      expect(error).toBeInstanceOf(AcmeProblem);
      expect(error).toMatchObject({ problem: { type: 'accountDeactivated', status: 403 } });
      const told = new RegExp(
        `^The CA at localhost:\\d+ does not accept the account: account is ${status}\\. .* remove /store/acme/.*account\\.json$`,
      );
      expect((error as Error).message).toMatch(told);
      changeRecord(opened, { url: undefined });
      expect(await failureOf(opened.again().account(NEVER))).toMatchObject({ message: expect.stringMatching(told) });
    });
  });

  it('that the CA shows as deactivated without an error is not used', async () => {
    await withCa(async (opened) => {
      await opened.ca.account(NEVER);
      opened.scripted.script('account', { answer: { status: 200, body: { status: 'deactivated' } } });
      const error = await failureOf(opened.again({ contact: 'new@a.test' }).account(NEVER));
      expect(error).toMatchObject({
        problem: { type: 'accountDeactivated', detail: expect.stringMatching('^it is deactivated') },
      });
    });
  });

  it('is not at fault when a request is unauthorized and it is valid', async () => {
    await withCa(async (opened) => {
      opened.scripted.script('new-order', { answer: problem(403, 'unauthorized', 'not your certificate') });
      const error = await failureOf(opened.ca.newOrder(order, NEVER));
      expect(error).toMatchObject({ problem: { type: 'unauthorized', detail: 'not your certificate' } });
      expect(opened.scripted.count('account')).toBe(1);
    });
  });

  it('is not made before the terms are agreed to; then it says so', async () => {
    await withCa(
      async (opened) => {
        const error = await failureOf(opened.again({ termsAgreed: false }).account(NEVER));
        expect(error).toMatchObject({
          code: 'acme-terms-not-agreed',
          blame: 'operator',
          hint: expect.stringContaining('https://ca.test/terms'),
        });
        expect(opened.scripted.count('new-account')).toBe(0);
        await opened.ca.account(NEVER);
        expect(opened.scripted.seen.at(-1)?.payload).toEqual({ termsOfServiceAgreed: true });
      },
      { termsOfService: 'https://ca.test/terms' },
    );
  });

  it('is not tried without a binding where the CA wants one, and made with it', async () => {
    const hmacKey = Buffer.from('another secret, of more than 32 bytes').toString('base64url');
    await withCa(
      async (opened) => {
        const error = await failureOf(opened.ca.account(NEVER));
        expect(error).toMatchObject({ code: 'acme-binding-required', blame: 'operator' });
        expect(opened.scripted.count('new-account')).toBe(0);
        const wrong = await failureOf(opened.again({ eab: { kid: 'kid', hmacKey: 'd3Jvbmc' } }).account(NEVER));
        expect(wrong).toMatchObject({ problem: { type: 'externalAccountRequired' } });
        await opened.again({ eab: { kid: 'kid', hmacKey } }).account(NEVER);
        expect(opened.scripted.orders.accounts).toHaveLength(1);
      },
      { binding: { kid: 'kid', hmacKey } },
    );
  });

  it.each([
    ['no JSON', 'half of a {', 'it holds no private key'],
    ['no key', '{"url":"https://a.test/1"}', 'it holds no private key'],
    [
      'a damaged key',
      '{"key":"-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----"}',
      'it holds no private key',
    ],
  ])('that is stored as %s is an error that names the place, and stays', async (_, text, why) => {
    await withCa(async (opened) => {
      await opened.ca.account(NEVER);
      const [key] = [...opened.store.values.keys()];
      opened.store.values.set(key!, Buffer.from(text));
      const error = await failureOf(opened.again().account(NEVER));
      expect(error).toMatchObject({ code: 'acme-account-unreadable', blame: 'operator' });
      expect((error as Error).message).toBe(`The ACME account in /store/${key} cannot be used: ${why}.`);
      expect(opened.store.values.get(key!)?.toString()).toBe(text);
      expect(opened.scripted.orders.accounts).toHaveLength(1);
    });
  });

  it.each([
    ['no location', { status: 201, body: { status: 'valid' } }],
    ['a location that is no URL', { status: 201, headers: { location: 'here' }, body: { status: 'valid' } }],
    ['no status', { status: 201, headers: { location: 'https://a.test/1' }, body: {} }],
  ])('that the CA makes with %s is not stored', async (_, answer) => {
    await withCa(async (opened) => {
      opened.scripted.script('new-account', { answer });
      expect(await failureOf(opened.ca.account(NEVER))).toMatchObject({ problem: { type: 'malformed-answer' } });
      expect(recordOf(opened).url).toBeUndefined();
    });
  });
});

describe("the folder of a CA's values", () => {
  it.each([
    ['https://acme-v02.api.letsencrypt.org/directory', /^acme-v02\.api\.letsencrypt\.org-[0-9a-f]{8}$/],
    ['https://[2001:db8::1]:14000/dir', /^_2001_db8__1_-[0-9a-f]{8}$/],
    [`https://${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(50)}/`, /^a{63}\..*-[0-9a-f]{8}$/],
  ])('of %s can be a key of every store', (url, pattern) => {
    expect(caFolder(url)).toMatch(pattern);
    expect(() => requireStoreKey(`acme/${caFolder(url)}/account.json`)).not.toThrow();
  });

  it('is another for another path or port of the same host', () => {
    const folders = ['https://a.test/x', 'https://a.test/y', 'https://a.test:1/x'].map(caFolder);
    expect(new Set(folders).size).toBe(3);
  });
});
