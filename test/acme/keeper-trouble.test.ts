import { expect, it } from 'vitest';
import { createKeeperTrouble } from '../../src/acme/keeper-trouble.ts';
import { SidecarError } from '../../src/base/errors.ts';
import { createRecordingLog } from '../tls/recording-log.ts';
import { createVirtualSystem } from './virtual-system.ts';

const full = new SidecarError('The disk is full.', { code: 'store-full', blame: 'operator' });
const lost = new SidecarError('The lease was lost.', { code: 'store-lease-lost', blame: 'operator' });

it('trouble with the store is said once for each kind, again after a day, and once when it is over', () => {
  const system = createVirtualSystem(0);
  const log = createRecordingLog();
  const trouble = createKeeperTrouble({ system, log });
  trouble.over();
  for (let times = 0; times < 2_880; times++) {
    trouble.say(times % 7 === 0 ? lost : full);
    system.skip(30_000);
  }
  expect(log.at('warn')).toEqual([
    expect.stringMatching(/serving goes on\. The lease was lost\.$/),
    expect.stringMatching(/serving goes on\. The disk is full\.$/),
  ]);
  trouble.say(full);
  trouble.say(full);
  expect(log.at('warn')).toHaveLength(2);
  system.skip(30_000);
  trouble.say(full);
  expect(log.at('warn')).toHaveLength(3);
  trouble.over();
  trouble.over();
  expect(log.at('info')).toEqual(['info Certificates are looked after again.']);
  trouble.say(full);
  expect(log.at('warn')).toHaveLength(4);
});
