import { describe, expect, it } from 'vitest';
import { describeRequest, type RequestFacts } from '../../src/app/request-facts.ts';
import { createFakeExchange } from './fake-exchange.ts';
import { readConfig } from './test-config.ts';

const config = readConfig(`servers: [{ server_name: "a.test:8448", homeserver: "http://s:1" }]
routes: { trusted_proxies: [10.0.0.0/8, "fd00::/8"] }`);

interface Arrival {
  readonly peer?: string;
  readonly listener?: 'https' | 'federation' | 'http';
  readonly authority?: string | undefined;
  readonly headers?: readonly string[];
  readonly serverName?: string;
}

function describeArrival(arrival: Arrival): RequestFacts {
  const { peer = '192.0.2.1', listener = 'https', headers = [] } = arrival;
  const { exchange } = createFakeExchange({
    headers,
    authority: 'authority' in arrival ? arrival.authority : 'a.test',
    facts: { listener, peerAddress: peer, peerPort: 1, serverName: arrival.serverName, tlsVersion: undefined },
  });
  return describeRequest(exchange, config, { nextRequestId: () => 'fresh' });
}

const CLAIMS = [
  ...['X-Forwarded-For', '198.51.100.7', 'X-Forwarded-Proto', 'http'],
  ...['X-Forwarded-Host', 'public.test', 'X-Request-Id', 'theirs'],
];

describe('from anybody', () => {
  it('the peer is the client, and its claims count for nothing', () => {
    const facts = describeArrival({ headers: CLAIMS });
    expect(facts.client).toMatchObject({ address: '192.0.2.1', viaTrustedProxy: false });
    expect(facts.forwarded).toEqual({
      clientAddress: '192.0.2.1',
      proto: 'https',
      host: 'a.test',
      forwardedHost: 'a.test',
      requestId: 'fresh',
    });
    expect(facts.requestId).toBe('fresh');
  });

  it.each([
    ['https', 'https'],
    ['federation', 'https'],
    ['http', 'http'],
  ] as const)('what comes in on %s came by %s', (listener, proto) => {
    expect(describeArrival({ listener }).forwarded.proto).toBe(proto);
  });

  it('without Host it is for the first server', () => {
    expect(describeArrival({ authority: undefined }).forwarded.host).toBe('a.test:8448');
  });
});

it('without Host it is for the server that SNI names, by its own name or the delegated one', () => {
  const two = readConfig(`servers:
  - { server_name: a.test, homeserver: "http://a:1" }
  - { server_name: b.test, homeserver: "http://b:1", delegate_to: "matrix.b.test:443" }`);
  const hostFor = (serverName: string | undefined): string => {
    const facts = {
      listener: 'https' as const,
      peerAddress: '192.0.2.1',
      peerPort: 1,
      serverName,
      tlsVersion: undefined,
    };
    return describeRequest({ headers: [], authority: undefined, facts }, two, { nextRequestId: () => 'x' }).forwarded
      .host;
  };
  expect([hostFor('b.test'), hostFor('matrix.b.test'), hostFor('c.test'), hostFor(undefined)]).toEqual([
    'b.test',
    'b.test',
    'a.test',
    'a.test',
  ]);
});

describe('from a trusted proxy', () => {
  it('its claims are believed, in any case of their names', () => {
    for (const headers of [CLAIMS, CLAIMS.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text))]) {
      const { client, forwarded } = describeArrival({ peer: '10.0.0.1', headers });
      expect(client).toMatchObject({ address: '198.51.100.7', viaTrustedProxy: true });
      expect(forwarded).toEqual({
        clientAddress: '198.51.100.7',
        proto: 'http',
        host: 'a.test',
        forwardedHost: 'public.test',
        requestId: 'theirs',
      });
    }
  });

  it('also by IPv6', () => {
    expect(describeArrival({ peer: 'fd00::1', headers: CLAIMS }).client.address).toBe('198.51.100.7');
  });

  it('several X-Forwarded-For fields are one list', () => {
    const headers = ['X-Forwarded-For', '1.1.1.1', 'X-Forwarded-For', '198.51.100.7, 10.0.0.2'];
    expect(describeArrival({ peer: '10.0.0.1', headers }).client.address).toBe('198.51.100.7');
  });

  it('who claims nothing is the client itself', () => {
    const { client, forwarded } = describeArrival({ peer: '10.0.0.1' });
    expect([client.address, forwarded.proto, forwarded.requestId]).toEqual(['10.0.0.1', 'https', 'fresh']);
  });

  it.each(['ftp', '', 'https, http', 'javascript'])('the protocol %j is nobody’s: what came in counts', (proto) => {
    const headers = ['X-Forwarded-Proto', proto];
    expect(describeArrival({ peer: '10.0.0.1', headers }).forwarded.proto).toBe('https');
  });

  it('the protocol is read in any case', () => {
    const headers = ['X-Forwarded-Proto', 'HTTP'];
    expect(describeArrival({ peer: '10.0.0.1', headers }).forwarded.proto).toBe('http');
  });

  it.each(['a b', 'a"b', 'a\tb', '', 'ä', 'x'.repeat(129), '{"a":1}'])('the request id %j is none', (id) => {
    expect(describeArrival({ peer: '10.0.0.1', headers: ['X-Request-Id', id] }).requestId).toBe('fresh');
  });

  it.each(['x'.repeat(128), '7f9c0b1e-6f0a-4f43-9d2e-0c2f7f1a2b3c', 'Root=1-67891233-abcdef012345678912345678'])(
    'the request id %j is taken over',
    (id) => {
      expect(describeArrival({ peer: '10.0.0.1', headers: ['X-Request-Id', id] }).requestId).toBe(id);
    },
  );
});
