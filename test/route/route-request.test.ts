import { describe, expect, it } from 'vitest';
import { createUpstreamPool, type UpstreamPool } from '../../src/base/address.ts';
import { createCidrSet, parseCidr } from '../../src/base/cidr.ts';
import { compileEndpoints } from '../../src/matrix/endpoints.ts';
import { renderWellKnown } from '../../src/matrix/well-known.ts';
import { compileBlockedServers } from '../../src/route/blocked-servers.ts';
import type { Decision, RoutedServer, RouteRequest } from '../../src/route/decision.ts';
import { createRouter, type RouterFacts } from '../../src/route/route-request.ts';

const upstream = (host: string): UpstreamPool =>
  createUpstreamPool([{ kind: 'tcp', host, port: 8008, text: `http://${host}:8008` }]);
const server = (name: string, more: Partial<RoutedServer> = {}): RoutedServer => ({
  name,
  hosts: [name, `matrix.${name}`],
  homeserver: upstream(`synapse-${name}`),
  website: undefined,
  wellKnown: new Map([['server', renderWellKnown({ 'm.server': `matrix.${name}:443` })]]),
  ...more,
});
const networks = (...texts: string[]) =>
  createCidrSet(
    texts.map((text) => {
      const parsed = parseCidr(text);
      if (!parsed.ok) throw new Error(parsed.why);
      return parsed.value;
    }),
  );
const router = (more: Partial<RouterFacts> = {}) =>
  createRouter({
    servers: [server('a.test')],
    endpoints: compileEndpoints(),
    federationPort: 'federation',
    adminApiFrom: networks(),
    blockedNetworks: networks(),
    blockedServers: undefined,
    ...more,
  });
const request = (target: string, more: Partial<RouteRequest> = {}): RouteRequest => ({
  listener: 'https',
  method: 'GET',
  target,
  authority: 'a.test',
  serverName: undefined,
  clientAddress: '192.0.2.1',
  origins: () => [],
  ...more,
});
const summary = (decision: Decision): string => {
  switch (decision.do) {
    case 'forward':
      return `forward ${decision.upstream.text}`;
    case 'refuse':
      return `refuse ${decision.status} ${decision.errcode}`;
    case 'publish':
      return `publish ${decision.server}`;
    case 'preflight':
      return `preflight ${decision.variant}`;
    case 'challenge':
      return `challenge ${decision.token}`;
    case 'redirect':
    case 'identify':
    case 'test':
      return decision.do;
    case 'probe':
      return `probe ${decision.token}`;
  }
};
const HOME = 'forward http://synapse-a.test:8008';

describe('on the https listener', () => {
  it.each([
    ['/_matrix/client/versions', HOME],
    ['/_matrix/client/v3/rooms/!a%2Fb%3Ac/send/m.x/1?a=%2F', HOME],
    ['/_matrix/federation/v1/version', HOME],
    ['/_matrix', HOME],
    ['/_matrixfoo', 'refuse 404 M_UNRECOGNIZED'],
    ['/%5Fmatrix/client/versions', 'refuse 404 M_UNRECOGNIZED'],
    ['//_matrix/client/versions', 'refuse 404 M_UNRECOGNIZED'],
    ['/_MATRIX/client/versions', 'refuse 404 M_UNRECOGNIZED'],
    ['/_synapse/client/pick_idp', HOME],
    ['/_synapse/admin/v1/users', 'refuse 403 M_FORBIDDEN'],
    ['/_synapse/metrics', 'refuse 404 M_UNRECOGNIZED'],
    ['/_synapse/mas/provision', 'refuse 404 M_UNRECOGNIZED'],
    ['/_synapse/client/../admin/v1/users', 'refuse 403 M_FORBIDDEN'],
    ['/_synapse/client/%2e%2E/admin/v1/users', 'refuse 403 M_FORBIDDEN'],
    ['/_matrix/..%2f_synapse/admin/v1/users', 'refuse 403 M_FORBIDDEN'],
    ['/_matrix/../_%73ynapse/admin/v1', 'refuse 403 M_FORBIDDEN'],
    ['/_matrix/../%5f%73ynapse/%61dmin/v1/x', 'refuse 403 M_FORBIDDEN'],
    ['/_matrix/client/..%5c..%5c_synapse%2fmetrics', 'refuse 404 M_UNRECOGNIZED'],
    ['/_matrix/client/v3/a/../b', HOME],
    ['/_matrix/media/v3/download/x/..', HOME],
    ['/', 'refuse 404 M_UNRECOGNIZED'],
    ['/.well-known/matrix/server', 'publish a.test'],
    ['/.well-known/matrix/server?x', 'publish a.test'],
    ['/.well-known/matrix/server/', 'refuse 404 M_NOT_FOUND'],
    ['/.well-known/matrix/none', 'refuse 404 M_NOT_FOUND'],
    ['/.well-known/matrix/__proto__', 'refuse 404 M_NOT_FOUND'],
    ['http://a.test/_matrix/client/versions', 'refuse 400 M_UNKNOWN'],
    ['*', 'refuse 400 M_UNKNOWN'],
    ['a.test:443', 'refuse 400 M_UNKNOWN'],
    ['/_matrix/a#b', 'refuse 400 M_UNKNOWN'],
    ['/_matrix/\xe9', 'refuse 400 M_UNKNOWN'],
    ['', 'refuse 400 M_UNKNOWN'],
    ['/_matrix/federation/unstable/matrix-sidecar/probe/abc', 'probe abc'],
    ['/_matrix/federation/unstable/matrix-sidecar/probe/abc/%2F//?x=/y', 'probe abc'],
    ['/_matrix/federation/unstable/matrix-sidecar/probe/abc?x=/y', 'probe abc'],
    ['/_matrix/federation/unstable/matrix-sidecar/probe', HOME],
  ])('%s: %s', (target, expected) => {
    expect(summary(router()(request(target)))).toBe(expected);
  });

  it('opens the admin API to the networks that were given, and to no others', () => {
    const route = router({ adminApiFrom: networks('10.0.0.0/8', 'fd00::/8') });
    const to = (clientAddress: string) => summary(route(request('/_synapse/admin/v1/users', { clientAddress })));
    expect([to('10.1.2.3'), to('fd00::1'), to('192.0.2.1'), to('::ffff:10.0.0.1')]).toEqual([
      HOME,
      HOME,
      'refuse 403 M_FORBIDDEN',
      HOME,
    ]);
  });

  it('sends what is not Matrix to the website, if there is one', () => {
    const route = router({ servers: [server('a.test', { website: upstream('web') })] });
    expect(
      ['/', '/_matrixfoo', '/.well-known/other', '/_synapse/metrics'].map((target) => summary(route(request(target)))),
    ).toEqual([
      'forward http://web:8008',
      'forward http://web:8008',
      'forward http://web:8008',
      'refuse 404 M_UNRECOGNIZED',
    ]);
  });

  it('answers OPTIONS on Matrix paths itself', () => {
    const options = (target: string) => summary(router()(request(target, { method: 'OPTIONS' })));
    expect(options('/_matrix/client/v3/sync')).toBe('preflight matrix');
    expect(options('/_matrix/client/unstable/org.matrix.msc4108/rendezvous')).toBe('preflight rendezvous');
    expect(options('/.well-known/matrix/client')).toBe('preflight well-known');
  });

  it.each(['TRACE', 'CONNECT'])('refuses %s', (method) => {
    expect(summary(router()(request('/_matrix/client/versions', { method })))).toBe('refuse 405 M_UNRECOGNIZED');
  });

  it('says which methods there are where it refuses one', () => {
    const allow = (target: string, method: string) =>
      (router()(request(target, { method })) as { allow?: string }).allow;
    expect(allow('/.well-known/matrix/server', 'POST')).toBe('GET, HEAD, OPTIONS');
    expect(allow('/_matrix/client/versions', 'TRACE')?.split(', ')).toEqual(expect.arrayContaining(['GET', 'PUT']));
    expect(allow('/_matrix/client/versions', 'TRACE')).not.toContain('TRACE');
    expect(allow('/nonsense', 'GET')).toBeUndefined();
  });

  it('refuses to change a well-known document', () => {
    expect(summary(router()(request('/.well-known/matrix/server', { method: 'PUT' })))).toBe(
      'refuse 405 M_UNRECOGNIZED',
    );
  });
});

describe('on the federation listener', () => {
  it.each([
    ['/_matrix/federation/v1/version', HOME],
    ['/_matrix/key/v2/server', HOME],
    ['/_matrix/media/v3/download/a/b', HOME],
    ['/_matrix/client/versions', 'refuse 404 M_UNRECOGNIZED'],
    ['/_synapse/client/x', 'refuse 404 M_UNRECOGNIZED'],
    ['/_synapse/admin/v1/users', 'refuse 404 M_UNRECOGNIZED'],
    ['/_matrix/federation/../client/versions', 'refuse 404 M_UNRECOGNIZED'],
    ['/', 'refuse 404 M_UNRECOGNIZED'],
    ['/.well-known/matrix/server', 'refuse 404 M_UNRECOGNIZED'],
  ])('%s: %s', (target, expected) => {
    expect(summary(router()(request(target, { listener: 'federation' })))).toBe(expected);
  });

  it('serves everything on request', () => {
    const route = router({ federationPort: 'all' });
    expect(summary(route(request('/_matrix/client/versions', { listener: 'federation' })))).toBe(HOME);
    expect(summary(route(request('/.well-known/matrix/server', { listener: 'federation' })))).toBe('publish a.test');
  });
});

describe('on the clear-text listener', () => {
  it.each([
    ['/.well-known/acme-challenge/abc', 'challenge abc'],
    ['/.well-known/acme-challenge/abc?x', 'challenge abc'],
    ['/.well-known/matrix/server', 'redirect'],
    ['/_matrix/client/versions', 'redirect'],
    ['/', 'redirect'],
  ])('%s: %s', (target, expected) => {
    expect(summary(router()(request(target, { listener: 'http' })))).toBe(expected);
  });
});

describe('which homeserver a request is for', () => {
  const two = router({ servers: [server('a.test'), server('b.test')] });
  const to = (authority: string | undefined, serverName?: string) =>
    summary(two(request('/_matrix/client/versions', { authority, serverName })));

  it.each([
    ['a.test', undefined, 'forward http://synapse-a.test:8008'],
    ['B.TEST:443', undefined, 'forward http://synapse-b.test:8008'],
    ['matrix.b.test:8448', 'a.test', 'forward http://synapse-b.test:8008'],
    ['other.test', 'b.test', 'forward http://synapse-b.test:8008'],
    [undefined, 'b.test', 'forward http://synapse-b.test:8008'],
    ['other.test', undefined, 'refuse 421 M_UNRECOGNIZED'],
    [undefined, undefined, 'refuse 421 M_UNRECOGNIZED'],
    ['a.test:x', 'a.test', 'refuse 400 M_UNKNOWN'],
    ['a.test:0', 'a.test', 'refuse 400 M_UNKNOWN'],
    ['a b', 'a.test', 'refuse 400 M_UNKNOWN'],
    ['a.test/x', 'a.test', 'refuse 400 M_UNKNOWN'],
    ['user@a.test', 'a.test', 'refuse 400 M_UNKNOWN'],
    ['', 'a.test', 'refuse 400 M_UNKNOWN'],
  ])('Host %s and SNI %s: %s', (authority, serverName, expected) => {
    expect(to(authority, serverName)).toBe(expected);
  });

  it('is the one whose server name the host is, where another is delegated to it; else the first of those', () => {
    const hosting = server('hosting.test', { hosts: ['hosting.test', 'm.test'] });
    const guest = (name: string) => server(name, { hosts: [name, 'hosting.test', 'shared.test'] });
    const route = router({ servers: [guest('x.test'), hosting, guest('y.test')] });
    const whose = (authority: string | undefined, serverName?: string) =>
      summary(route(request('/_matrix/client/versions', { authority, serverName })));
    expect(whose('hosting.test')).toBe('forward http://synapse-hosting.test:8008');
    expect(whose(undefined, 'hosting.test')).toBe('forward http://synapse-hosting.test:8008');
    expect(whose('shared.test')).toBe('forward http://synapse-x.test:8008');
    expect(whose('y.test')).toBe('forward http://synapse-y.test:8008');
  });

  it('is the only one there is, whatever the Host', () => {
    expect(summary(router()(request('/_matrix/client/versions', { authority: '192.0.2.7:8448' })))).toBe(HOME);
    expect(summary(router()(request('/_matrix/client/versions', { authority: '[2001:db8::1]:443' })))).toBe(HOME);
  });

  it('stays the same however many other hosts strangers have asked for', () => {
    for (let index = 0; index < 5_000; index++) to(`h${index}.test`);
    expect(to('a.test')).toBe('forward http://synapse-a.test:8008');
    expect(to('h1.test')).toBe('refuse 421 M_UNRECOGNIZED');
  });
});

describe('what is blocked', () => {
  it('is everything from a blocked network, well-known documents included, but not an ACME challenge', () => {
    const route = router({ blockedNetworks: networks('198.51.100.0/24') });
    for (const target of ['/_matrix/client/versions', '/.well-known/matrix/server', '/_matrix/federation/v1/version']) {
      expect(summary(route(request(target, { clientAddress: '198.51.100.7' })))).toBe('refuse 403 M_FORBIDDEN');
      expect(summary(route(request(target)))).not.toContain('refuse');
    }
    const challenge = request('/.well-known/acme-challenge/t', { listener: 'http', clientAddress: '198.51.100.7' });
    expect(summary(route(challenge))).toBe('challenge t');
  });

  it.each([
    ['spam.example', true],
    ['SPAM.example', true],
    ['spam.example:8448', true],
    ['a.bad.example', true],
    ['bad.example', false],
    ['x1.test', true],
    ['x12.test', false],
    ['xspam.example', false],
    ['spam-example', false],
    [undefined, false],
  ])('is federation from %s: %s', (origin, blocked) => {
    const route = router({ blockedServers: compileBlockedServers(['spam.example', '*.bad.example', 'x?.test']) });
    const decision = route(
      request('/_matrix/federation/v1/send/1', { origins: () => (origin === undefined ? [] : [origin]) }),
    );
    expect(summary(decision)).toBe(blocked ? 'refuse 403 M_FORBIDDEN' : HOME);
  });

  it('is nothing else of a blocked server: who asks for keys says no name', () => {
    const route = router({ blockedServers: compileBlockedServers(['*.bad.example']) });
    expect(summary(route(request('/_matrix/key/v2/server', { origins: () => ['a.bad.example'] })))).toBe(HOME);
  });
});
