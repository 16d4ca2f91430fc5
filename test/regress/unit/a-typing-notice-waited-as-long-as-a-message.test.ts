import { expect, it } from 'vitest';
import { explainRequest } from '../../../src/app/explain-request.ts';
import { readConfig } from '../../app/test-config.ts';

it.each([
  ['r0', '5s'],
  ['v3', '5s'],
])('that somebody types is stale after seconds, and waits no longer for who is away (%s)', (version, wait) => {
  const config = readConfig(
    'servers: [{ server_name: a.test, homeserver: "http://synapse:8008", workers: { stream_writers: { typing: "http://t:1" } } }]',
  );
  const said = explainRequest(
    {
      ...{ listener: 'https', method: 'PUT', target: `/_matrix/client/${version}/rooms/!r:a.test/typing/@u:a.test` },
      ...{ authority: 'a.test', serverName: 'a.test', clientAddress: '192.0.2.1', headers: [] },
    },
    config,
  );
  expect(Object.fromEntries(said)['nobody there']).toBe(`waits up to ${wait}`);
});
