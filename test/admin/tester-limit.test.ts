import { expect, it } from 'vitest';
import { createTesterLimit, networkOf } from '../../src/admin/tester-limit.ts';
import { realSystem } from '../../src/base/system.ts';

function clock() {
  const state = { now: 0 };
  return { state, system: { ...realSystem, monotonic: () => state.now } };
}

it('lets a network begin some tests at once, and then one every so often', () => {
  const { state, system } = clock();
  const limit = createTesterLimit({ burst: 3, every: 10_000 }, { system });
  const take = () => limit.take('192.0.2.1');
  expect([take(), take(), take()]).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
  expect(take()).toEqual({ ok: false, wait: 10_000 });
  state.now = 4_000;
  expect(take()).toEqual({ ok: false, wait: 6_000 });
  state.now = 10_000;
  expect([take(), take()]).toEqual([{ ok: true }, { ok: false, wait: 10_000 }]);
  state.now = 1_000_000;
  expect([take(), take(), take(), take().ok]).toEqual([{ ok: true }, { ok: true }, { ok: true }, false]);
});

it('one network does not use up what another has', () => {
  const limit = createTesterLimit({ burst: 1, every: 10_000 }, clock());
  expect([limit.take('192.0.2.1').ok, limit.take('192.0.2.1').ok, limit.take('192.0.2.2').ok]).toEqual([
    true,
    false,
    true,
  ]);
});

it('any number of networks costs a bounded memory, and those that come late share', () => {
  const { state, system } = clock();
  const limit = createTesterLimit({ burst: 1, every: 10_000 }, { system });
  for (let index = 0; index < 10_000; index++) limit.take(`10.${index >> 8}.${index & 255}.1`);
  expect([limit.take('192.0.2.1').ok, limit.take('192.0.2.2').ok]).toEqual([true, false]);
  state.now = 20_000;
  expect([limit.take('192.0.2.1').ok, limit.take('192.0.2.2').ok]).toEqual([true, true]);
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2ff::1', '2001:db8:1:200::/56'],
  ['2001:db8:1:201:5:6:7:8', '2001:db8:1:200::/56'],
  ['2001:db8::', '2001:db8:0:0::/56'],
  ['::1', '0:0:0:0::/56'],
  ['fe80::1%eth0', 'fe80:0:0:0::/56'],
  ['unix', 'unix'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
