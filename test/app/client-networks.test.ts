import { expect, it } from 'vitest';
import { createClientNetworks, MOST_NETWORKS } from '../../src/app/client-networks.ts';
import type { ConnectionFacts } from '../../src/base/connection.ts';

const from = (peerAddress: string, listener: ConnectionFacts['listener'] = 'https'): ConnectionFacts => ({
  ...{ listener, peerAddress, peerPort: 1, serverName: undefined, tlsVersion: undefined },
});

it('tells an address that all connections share, and forgets which they are when there are more', () => {
  const clients = createClientNetworks();
  for (let count = 0; count < 30; count++) clients.note(from('172.18.0.1'));
  expect(clients.describe()).toEqual({ connections: 30, distinct: 1, only: '172.18.0.1' });
  clients.note(from('2001:db8::1'));
  expect(clients.describe()).toEqual({ connections: 31, distinct: 2, only: null });
});

it('does not count this machine itself, nor who asks the admin listener', () => {
  const clients = createClientNetworks();
  for (const facts of [from('127.0.0.1'), from('::1'), from('172.18.0.1', 'admin')]) clients.note(facts);
  expect(clients.describe()).toEqual({ connections: 0, distinct: 0, only: null });
});

it('remembers a handful of addresses, however many come', () => {
  const clients = createClientNetworks();
  for (let count = 0; count < 1_000; count++) clients.note(from(`192.0.2.${count}`));
  expect(clients.describe()).toEqual({ connections: MOST_NETWORKS, distinct: MOST_NETWORKS, only: null });
});
