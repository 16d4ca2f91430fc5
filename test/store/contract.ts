import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import type { Lease, Store } from '../../src/store/store.ts';

/** A store that a test has to itself. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Opens what is stored a second time, as another process would. Whoever does closes it. */
  again(): Store;
  /** Lets so many milliseconds pass for all these stores. */
  elapse(ms: number): Promise<void>;
  /** The lease that another process gets after the holder of this one has not been heard of for too long. */
  takeOver(name: string): Promise<Lease | undefined>;
  dispose(): Promise<void>;
}

const REFUSED = [
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
];

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

    it.each(REFUSED)('refuses %j as a key and as the name of a lease', async (key) => {
      for (const attempt of [
        () => store.read(key),
        () => store.write(key, Buffer.from('x')),
        () => store.remove(key),
        async () => store.where(key),
        () => store.acquireLease(key),
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

    it('gives a lease to exactly one of many who ask at once, and it is the first generation', async () => {
      const others = Array.from({ length: 9 }, () => under.again());
      const stores = [store, ...others];
      const got = await Promise.all([...stores, ...stores].map((one) => one.acquireLease('keeper')));
      const leases = got.filter((lease) => lease !== undefined);
      expect(got).toHaveLength(20);
      expect(leases).toHaveLength(1);
      expect(leases[0]).toMatchObject({ name: 'keeper', generation: 1 });
      for (const one of others) await one.close();
    });

    it('counts generations up, whoever gets the lease, and also after everybody was gone', async () => {
      for (const generation of [1, 2, 3]) {
        const one = under.again();
        const lease = await one.acquireLease('keeper');
        expect(lease?.generation).toBe(generation);
        await lease?.release();
        await one.close();
      }
      expect((await store.acquireLease('keeper'))?.generation).toBe(4);
    });

    it('lets the next one in when a lease is released, which is no loss and may be done again', async () => {
      const other = under.again();
      const lease = await store.acquireLease('keeper');
      expect(await other.acquireLease('keeper')).toBeUndefined();
      await lease?.release();
      const next = await other.acquireLease('keeper');
      expect(next?.generation).toBe(2);
      await lease?.release();
      expect(await store.acquireLease('keeper')).toBeUndefined();
      expect(lease?.lost.aborted).toBe(false);
      expect(next?.lost.aborted).toBe(false);
      await other.close();
    });

    it('keeps leases of different names apart, also where one name begins like another', async () => {
      const leases = [];
      for (const name of ['keeper', 'keeper/a', 'keeper/a/b', 'keepe']) leases.push(await store.acquireLease(name));
      expect(leases.map((lease) => lease?.generation)).toEqual([1, 1, 1, 1]);
      expect(await store.list('')).toEqual([]);
    });

    it('renews a lease for as long as its holder lives', async () => {
      const other = under.again();
      const lease = await store.acquireLease('keeper');
      for (let seconds = 0; seconds < 24; seconds += 4) {
        await under.elapse(4_000);
        expect(await other.acquireLease('keeper')).toBeUndefined();
      }
      expect(lease?.lost.aborted).toBe(false);
      await other.close();
    });

    it('tells a holder who was not heard of for too long that the lease is lost, and who got it keeps it', async () => {
      const lease = await store.acquireLease('keeper');
      const next = await under.takeOver('keeper');
      expect(next?.generation).toBe(2);
      await under.elapse(5_500);
      expect(lease?.lost.aborted).toBe(true);
      expect(lease?.lost.reason).toBeInstanceOf(SidecarError);
      expect(lease?.lost.reason).toMatchObject({ code: 'store-lease-lost' });
      await lease?.release();
      expect(await store.acquireLease('keeper')).toBeUndefined();
      expect(next?.lost.aborted).toBe(false);
    });

    it('writes through a lease while it is held, and not after it was given back or taken over', async () => {
      const lease = await store.acquireLease('keeper');
      await lease?.write('a/b', Buffer.from('one'));
      await lease?.write('a/b', Buffer.from('two'));
      expect((await store.read('a/b'))?.toString()).toBe('two');
      await lease?.release();
      await expect(lease?.write('a/b', Buffer.from('late'))).rejects.toMatchObject({ code: 'store-lease-lost' });
      const second = await store.acquireLease('keeper');
      const third = await under.takeOver('keeper');
      await expect(second?.write('a/b', Buffer.from('late'))).rejects.toMatchObject({ code: 'store-lease-lost' });
      expect((await store.read('a/b'))?.toString()).toBe('two');
      await third?.write('a/b', Buffer.from('three'));
      expect((await store.read('a/b'))?.toString()).toBe('three');
      await expect(third?.write('../a', Buffer.from('x'))).rejects.toMatchObject({ code: 'store-key' });
      await third?.release();
    });

    it('takes the leases from their holders when it is closed, and lets others have them', async () => {
      const other = under.again();
      const lease = await other.acquireLease('keeper');
      await other.close();
      expect(lease?.lost.aborted).toBe(true);
      expect((await store.acquireLease('keeper'))?.generation).toBe(2);
    });

    describe('tells of changes:', () => {
      let other: Store;
      beforeEach(() => {
        other = under.again();
      });
      afterEach(async () => {
        await other.close();
      });

      /** Waits until `heard` has `key` again since it was emptied. */
      async function hear(heard: string[], key: string): Promise<void> {
        for (let attempt = 0; attempt < 100 && !heard.includes(key); attempt += 1) await under.elapse(100);
        expect(heard).toContain(key);
      }

      it('what another process writes, replaces and removes', async () => {
        const heard: string[] = [];
        store.onChange('a/', (key) => heard.push(key));
        for (const change of [
          () => other.write('a/b/c.pem', Buffer.from('one')),
          () => other.write('a/b/c.pem', Buffer.from('two')),
          () => other.write('a/b/c.pem', Buffer.from('six')),
          () => other.remove('a/b/c.pem'),
        ]) {
          heard.length = 0;
          await change();
          await hear(heard, 'a/b/c.pem');
        }
      });

      it('what this process writes and removes', async () => {
        const heard: string[] = [];
        store.onChange('', (key) => heard.push(key));
        for (const change of [() => store.write('key', Buffer.from('x')), () => store.remove('key')]) {
          heard.length = 0;
          await change();
          await hear(heard, 'key');
        }
      });

      it('to each listener what begins with its prefix, once for each change, and nothing of leases', async () => {
        const [first, second]: [string[], string[]] = [[], []];
        store.onChange('acme/', (key) => first.push(key));
        store.onChange('acme/ledger', (key) => second.push(key));
        await under.elapse(500);
        await other.acquireLease('acme/keeper');
        await other.write('acme/ledger.json', Buffer.from('x'));
        await hear(first, 'acme/ledger.json');
        await other.write('other', Buffer.from('x'));
        await other.write('acme/z', Buffer.from('x'));
        await hear(first, 'acme/z');
        await under.elapse(500);
        expect(first).toEqual(['acme/ledger.json', 'acme/z']);
        expect(second).toEqual(['acme/ledger.json']);
      });

      it('of a write that comes right after the beginning', async () => {
        await other.write('key', Buffer.from('old'));
        const heard: string[] = [];
        store.onChange('', (key) => heard.push(key));
        await other.write('key', Buffer.from('new'));
        await hear(heard, 'key');
      });

      it('no more to whom has ended it, however often', async () => {
        const [kept, ended]: [string[], string[]] = [[], []];
        store.onChange('', (key) => kept.push(key));
        const end = store.onChange('', (key) => ended.push(key));
        end();
        end();
        await other.write('key', Buffer.from('x'));
        await hear(kept, 'key');
        expect(ended).toEqual([]);
      });
    });
  });
}
