import { expect, it } from 'vitest';
import { makeCertificateKey } from '../../src/acme/certificate-key.ts';
import { readOrderKey, sweepOrderKeys, writeOrderKey } from '../../src/acme/order-keys.ts';
import { createMemoryStore } from './open-ca.ts';

const order = { id: 7, set: 'example.com-0a1b2c3d', ca: 'ca', url: 'https://ca.example/order/7' };

function openStore() {
  const memory = createMemoryStore();
  return {
    ...memory,
    list: async (prefix: string) => [...memory.values.keys()].filter((key) => key.startsWith(prefix)),
    remove: async (key: string) => void memory.values.delete(key),
  };
}

it('a key is given back for the order that it was stored for, and for no other', async () => {
  const store = openStore();
  const key = await makeCertificateKey('ecdsa-p256');
  await writeOrderKey(store, order, key);
  expect(await readOrderKey(store, order)).toBe(key);
  // As a ledger that was lost and counts from one again would ask.
  expect(await readOrderKey(store, { ...order, url: 'https://ca.example/order/8' })).toBeUndefined();
  expect(await readOrderKey(store, { ...order, set: 'other' })).toBeUndefined();
  expect(await readOrderKey(store, { ...order, id: 8 })).toBeUndefined();
});

it.each([
  ['nothing', ''],
  ['half of a value', '{"set":"exa'],
  ['no key', JSON.stringify({ ...order, keyPem: 'x' })],
  ['a number', '7'],
])('%s in its place counts as none', async (_, text) => {
  const store = openStore();
  await writeOrderKey(store, order, 'x');
  for (const key of store.values.keys()) store.values.set(key, Buffer.from(text));
  expect(await readOrderKey(store, order)).toBeUndefined();
});

it('those of orders that have ended are removed, and of the others all but the newest fifty', async () => {
  const store = openStore();
  await store.write('acme/ledger.json', Buffer.from('{}'));
  const ids = Array.from({ length: 70 }, (_, index) => index + 1);
  for (const id of ids) await writeOrderKey(store, { ...order, id }, 'x');
  await sweepOrderKeys(
    store,
    ids.filter((id) => id > 2).map((id) => ({ id })),
  );
  expect(store.values.size).toBe(51);
  await sweepOrderKeys(store, []);
  expect([...store.values.keys()]).toEqual(['acme/ledger.json']);
});
