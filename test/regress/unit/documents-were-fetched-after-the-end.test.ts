import { expect, it } from 'vitest';
import { createLastGood } from '../../../src/forward/last-good.ts';
import type { UpstreamConnections } from '../../../src/forward/upstream-connections.ts';
import { createManualSystem } from '../../tls/manual-system.ts';

it('whoever hears late that a homeserver came or went sets no timer for documents that nobody wants any more', () => {
  const system = createManualSystem();
  const lastGood = createLastGood({ serverName: 'a.test', connections: {} as UpstreamConnections }, { system });
  expect(system.pending()).toBe(1);
  lastGood.close();
  lastGood.refresh();
  expect(system.pending()).toBe(0);
});
