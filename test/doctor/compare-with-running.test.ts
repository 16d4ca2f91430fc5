import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/base/version.ts';
import { compareWithRunning } from '../../src/doctor/compare-with-running.ts';
import type { Deployment } from '../../src/doctor/deployment.ts';
import { named } from '../discovery/world.ts';

const deployment = {
  servers: [
    {
      ...{ name: named('a.test'), homeserver: { text: 'http://h' }, delegateTo: undefined },
      ...{ delegateBy: 'well-known', apex: 'here' },
    },
  ],
  digest: 'aaaa',
} as unknown as Deployment;
const server = { server_name: 'a.test', homeserver: 'http://h', delegate_to: null, delegate_by: null, apex: 'here' };
const same = { version: VERSION, config_digest: 'aaaa', servers: [server] };
const { delegate_by: _, apex: __, ...old } = server;

describe('what a running sidecar says of its configuration', () => {
  it.each<[string, object, readonly string[]]>([
    ['the same', same, []],
    ['another homeserver', { ...same, servers: [{ ...server, homeserver: 'http://x' }] }, ['sidecar-old-config']],
    ['another apex', { ...same, servers: [{ ...server, apex: 'elsewhere' }] }, ['sidecar-old-config']],
    ['a server more', { ...same, servers: [server, { ...server, server_name: 'b.test' }] }, ['sidecar-old-config']],
    ['something else', { ...same, config_digest: 'bbbb' }, ['sidecar-old-config']],
    ['nothing of it, as an older release', { version: '0.0.1', servers: [old] }, ['sidecar-old-version']],
    ['it in the words of another release', { ...same, version: '9.0.0', config_digest: 'b' }, ['sidecar-old-version']],
    ['things of other types', { version: 1, config_digest: [], servers: [{ ...server, apex: 7 }, 3] }, []],
  ])('%s', (_, status, ids) => {
    expect(compareWithRunning(status as never, deployment).map(({ id }) => id)).toEqual(ids);
  });
});
