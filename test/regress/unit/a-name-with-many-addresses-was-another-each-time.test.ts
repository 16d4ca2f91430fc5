import { expect, it } from 'vitest';
import { createUpstreamPool } from '../../../src/base/address.ts';
import { createInstanceSet } from '../../../src/forward/instance-set.ts';
import { createManualSystem } from '../../tls/manual-system.ts';

it('of more addresses than are told apart, the same ones are instances whatever the order of the answer', () => {
  const system = createManualSystem();
  const place = { kind: 'tcp', host: 'synapse', port: 8008, text: 'http://synapse:8008' } as const;
  const set = createInstanceSet(createUpstreamPool([place]), { system, ask: async () => undefined, onLost() {} });
  const found = Array.from({ length: 20 }, (_, index) => ({ address: `10.0.0.${index + 1}`, family: 4 }));
  set.learn(place, found);
  const first = new Set(set.all);
  for (let turn = 1; turn < 20; turn++) {
    set.learn(place, [...found.slice(turn), ...found.slice(0, turn)]);
    expect(set.all.filter((instance) => !first.has(instance))).toEqual([]);
  }
  set.close();
});
