import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import type { Store } from '../../src/store/store.ts';

/** A store that a test has to itself; `again` opens what is stored a second time, as another process would. */
export interface StoreUnderTest {
  readonly store: Store;
  again(): Store;
  dispose(): Promise<void>;
}

/** What every store promises, whatever it keeps its values in. */
export function describeStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the store's contract`, () => {
    let under: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(async () => {
      await store.close();
      await under.dispose();
    });

    it('reads nothing where nothing was written', async () => {
      expect(await store.read('a/b.pem')).toBeUndefined();
      expect(await store.list('')).toEqual([]);
    });

    it('gives back the bytes that were written, whatever they are', async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      await store.write('bytes', bytes);
      await store.write('empty', new Uint8Array(0));
      expect(await store.read('bytes')).toEqual(bytes);
      expect(await store.read('empty')).toEqual(Buffer.alloc(0));
    });

    it('keeps values when it is opened again', async () => {
      await store.write('a/b.pem', Buffer.from('one'));
      const second = under.again();
      expect((await second.read('a/b.pem'))?.toString()).toBe('one');
      await second.write('a/b.pem', Buffer.from('two'));
      expect((await store.read('a/b.pem'))?.toString()).toBe('two');
      await second.close();
    });

    it('replaces a value by a shorter one whole', async () => {
      await store.write('key', Buffer.from('a long value'));
      await store.write('key', Buffer.from('b'));
      expect((await store.read('key'))?.toString()).toBe('b');
    });

    it('lets one of many concurrent writes win whole, and readers never see a part', async () => {
      const values = Array.from({ length: 12 }, (_, index) => Buffer.alloc(20_000, 65 + index));
      await store.write('key', values[0]!);
      const readers = values.map(async () => {
        const seen = await store.read('key');
        expect(values.some((value) => seen?.equals(value))).toBe(true);
      });
      await Promise.all([...values.map((value) => store.write('key', value)), ...readers]);
      const last = await store.read('key');
      expect(values.some((value) => last?.equals(value))).toBe(true);
      expect(await store.list('')).toEqual(['key']);
    });

    it('removes a value, and does not mind when there is none', async () => {
      await store.write('a/b', Buffer.from('x'));
      await store.remove('a/b');
      expect(await store.read('a/b')).toBeUndefined();
      await expect(store.remove('a/b')).resolves.toBeUndefined();
      await expect(store.remove('never/was')).resolves.toBeUndefined();
    });

    it('lists the keys that begin with a prefix, sorted', async () => {
      for (const key of ['b/2', 'b/10', 'bb', 'a@x_y-z.1/c', 'A']) await store.write(key, Buffer.from(key));
      expect(await store.list('')).toEqual(['A', 'a@x_y-z.1/c', 'b/10', 'b/2', 'bb']);
      expect(await store.list('b/')).toEqual(['b/10', 'b/2']);
      expect(await store.list('b')).toEqual(['b/10', 'b/2', 'bb']);
      expect(await store.list('c')).toEqual([]);
      expect(await store.list('../')).toEqual([]);
    });

    it.each([
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      '../a',
      'a/../../b',
      'a/./b',
      '.hidden',
      'a/.tmp-1-1-b',
      'a\\b',
      'a b',
      'a\0b',
      '*.example.com',
      '::1',
      'ä',
      `a/${'x'.repeat(201)}`,
    ])('refuses %j as a key', async (key) => {
      for (const attempt of [
        () => store.read(key),
        () => store.write(key, Buffer.from('x')),
        () => store.remove(key),
        async () => store.where(key),
      ]) {
        const error = await attempt().then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        expect(error).toBeInstanceOf(SidecarError);
        expect((error as SidecarError).code).toBe('store-key');
      }
      expect(await store.list('')).toEqual([]);
    });

    it('says where a value is, so that a message can name it', () => {
      expect(store.where('a/b.pem')).toContain('b.pem');
    });

    it('may be closed more than once', async () => {
      await store.close();
      await expect(store.close()).resolves.toBeUndefined();
    });
  });
}
