import { describe, expect, it } from 'vitest';
import { createUpstreamPool } from '../../src/base/address.ts';
import { realSystem } from '../../src/base/system.ts';
import { createAskWhoami } from '../../src/forward/ask-whoami.ts';
import { createNames } from '../../src/forward/names.ts';
import { createUpstreamConnections } from '../../src/forward/upstream-connections.ts';
import { startHttpUpstream } from '../harness/upstream.ts';

const ASKER = { clientAddress: '192.0.2.1', userAgent: 'Element' };

describe('whose token it is', () => {
  it.each([
    [200, '{"user_id":"@alice:example.com","device_id":"X"}', { kind: 'user', localpart: 'alice' }],
    [200, '{"user_id":"@_irc_a=b/c:example.com:8448"}', { kind: 'user', localpart: '_irc_a=b/c' }],
    [401, '{"errcode":"M_UNKNOWN_TOKEN"}', { kind: 'refused' }],
    [403, '{"errcode":"M_FORBIDDEN"}', { kind: 'refused' }],
    [429, '{}', { kind: 'failed' }],
    [502, '', { kind: 'failed' }],
    [200, '{"user_id":7}', { kind: 'failed' }],
    [200, '{"user_id":"alice"}', { kind: 'failed' }],
    [200, '[]', { kind: 'failed' }],
    [200, '{', { kind: 'failed' }],
    [200, ' '.repeat(20_000), { kind: 'failed' }],
  ])('is read from the answer %i %s', async (status, body, expected) => {
    const seen: unknown[] = [];
    const upstream = await startHttpUpstream((request, response) => {
      const { host, authorization, 'x-forwarded-for': client, 'user-agent': agent } = request.headers;
      seen.push([request.method, request.url, host, authorization, client, agent]);
      response.writeHead(status).end(body);
    });
    const at = { kind: 'tcp' as const, host: '127.0.0.1', port: upstream.port, text: upstream.url };
    const connections = createUpstreamConnections(createUpstreamPool([at]), {
      system: realSystem,
      names: createNames({ system: realSystem }),
    });
    try {
      const ask = createAskWhoami({ serverName: 'example.com', connections }, { system: realSystem });
      expect(await ask('mct_1', ASKER)).toEqual(expected);
      const path = '/_matrix/client/v3/account/whoami';
      // In the name of the client: Synapse books the request to its session.
      expect(seen).toEqual([['GET', path, 'example.com', 'Bearer mct_1', '192.0.2.1', 'Element']]);
      expect(connections.busy).toBe(0);
    } finally {
      connections.close();
      await upstream.close();
    }
  });

  it('is not known where nothing answers', async () => {
    const upstream = await startHttpUpstream(() => {});
    await upstream.close();
    const at = { kind: 'tcp' as const, host: '127.0.0.1', port: upstream.port, text: upstream.url };
    const connections = createUpstreamConnections(createUpstreamPool([at]), {
      system: realSystem,
      names: createNames({ system: realSystem }),
    });
    const ask = createAskWhoami({ serverName: 'example.com', connections }, { system: realSystem });
    expect(await ask('mct_1', ASKER)).toEqual({ kind: 'failed' });
    connections.close();
  });
});
