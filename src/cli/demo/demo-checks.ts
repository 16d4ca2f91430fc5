import { createHash } from 'node:crypto';
import type { System } from '../../base/system.ts';
import { type DemoDiscovery, findServer } from './demo-discovery.ts';
import { type DemoServer, federate, fetchServerKeys, readJson } from './demo-server.ts';
import { inspectTls, requestOverHttp2, requestOverTls, type TlsAnswer } from './tls-request.ts';

/** One thing that the demo shows to be true. */
export interface DemoCheck {
  readonly title: string;
  /** Resolves with what was seen; rejects with what was wrong. */
  run(): Promise<string>;
}

/** What the checks look at. */
export interface DemoScene {
  readonly servers: readonly DemoServer[];
  readonly discovery: DemoDiscovery;
  /** The development CA, PEM. */
  readonly ca: string;
  readonly system: System;
}

// Everything that proxies have been seen to rewrite: escapes, an empty segment, an apostrophe.
const AWKWARD_PATH = "/_matrix/federation/v1/query/echo%2F%21%24/a//b?x=%23&y='";
const LARGE_BODY = 12_000_000;

/** The live checks against running sidecars, in the order in which they are best read. */
export function listDemoChecks(scene: DemoScene): readonly DemoCheck[] {
  const { servers, ca } = scene;
  const pairs = servers.map((from, i) => [from, servers[(i + 1) % servers.length]!] as const);
  const [first, second] = pairs[0]!;
  const delegated = servers.filter(({ step }) => step.startsWith('3'));
  return [
    ...servers.map((server) => checkTls(server, ca)),
    ...delegated.map((server) => checkWellKnown(server, scene)),
    ...servers.map((server) => checkKeys(server, scene)),
    ...pairs.map(([from, to]) => checkSignedRequest(from, to, ca)),
    checkAlteredRequest(first, second, ca),
    checkLargeBody(first, second, scene),
    checkForwardedFor(first, second, ca),
    checkPreflight(second, ca),
    checkHttp2(second, ca),
    checkDeadHomeserver(second, ca),
  ];
}

function checkTls(server: DemoServer, ca: string): DemoCheck {
  return {
    title: `${server.serverName.text} shows a certificate that its peers can verify`,
    run: async () => {
      const facts = await inspectTls(server.federation, ca);
      return `${facts.protocol}, valid for ${server.federation.sni}, issued by ${facts.issuer}`;
    },
  };
}

function checkWellKnown(server: DemoServer, { ca, discovery }: DemoScene): DemoCheck {
  const { host, port, hostHeader } = server.federation;
  return {
    title: `${server.serverName.text} says where it is, in /.well-known/matrix/server and client`,
    run: async () => {
      const get = (name: string): Promise<TlsAnswer> =>
        requestOverTls(server.web, ca, { method: 'GET', path: `/.well-known/matrix/${name}` });
      const [forServers, forClients] = [await get('server'), await get('client')];
      const [serverDocument, clientDocument] = [readJson(forServers), readJson(forClients)];
      assertSame('m.server', serverDocument['m.server'], hostHeader);
      assertSame('CORS on client', forClients.headers['access-control-allow-origin'], '*');
      const found = await findServer(server.serverName, discovery);
      assertSame('the address found by discovery', `${found.host}:${found.port}`, `${host}:${port}`);
      return `${JSON.stringify(serverDocument)}  ${JSON.stringify(clientDocument)}`;
    },
  };
}

function checkKeys(server: DemoServer, { ca, discovery, system }: DemoScene): DemoCheck {
  return {
    title: `${server.serverName.text} is found by discovery and its signed key document verifies`,
    run: async () => {
      const keys = await fetchServerKeys(server.serverName, discovery, ca, system.now());
      assertSame('the key', keys.verifyKeys.get('ed25519:demo'), server.homeserver.signingKey.publicKey);
      return `Host: ${server.federation.hostHeader}, key ed25519:demo ${keys.verifyKeys.get('ed25519:demo')}`;
    },
  };
}

function checkSignedRequest(from: DemoServer, to: DemoServer, ca: string): DemoCheck {
  return {
    title: `${from.serverName.text} makes a signed request to ${to.serverName.text}, and no byte of its path changes`,
    run: async () => {
      const echo = readJson(await federate(from, to, ca, { method: 'GET', path: AWKWARD_PATH }));
      assertSame('origin', echo['origin'], from.serverName.text);
      assertSame('uri', echo['uri'], AWKWARD_PATH);
      assertSame('Host', echo['host'], to.federation.hostHeader);
      return `signature accepted, the homeserver got ${String(echo['uri'])}`;
    },
  };
}

function checkAlteredRequest(from: DemoServer, to: DemoServer, ca: string): DemoCheck {
  return {
    title: `${to.serverName.text} would notice: the same request with one byte changed on the way is refused`,
    run: async () => {
      const altered = AWKWARD_PATH.replace('//', '/');
      const answer = await federate(from, to, ca, { method: 'GET', path: altered, signedPath: AWKWARD_PATH });
      const body = readJson(answer, 401);
      assertSame('errcode', body['errcode'], 'M_UNAUTHORIZED');
      return `401 ${String(body['errcode'])}: ${String(body['error'])}`;
    },
  };
}

function checkLargeBody(from: DemoServer, to: DemoServer, { ca, system }: DemoScene): DemoCheck {
  return {
    title: `a signed body of 12 MB from ${from.serverName.text} arrives whole at ${to.serverName.text}`,
    run: async () => {
      const content = { edus: [], pdus: [], filler: system.randomBytes(LARGE_BODY / 2).toString('hex') };
      const expected = createHash('sha256').update(JSON.stringify(content)).digest('hex');
      const request = { method: 'PUT', path: '/_matrix/federation/v1/send/demo', content };
      const echo = readJson(await federate(from, to, ca, request));
      assertSame('SHA-256', echo['body_sha256'], expected);
      return `${String(echo['body_bytes'])} bytes, SHA-256 ${expected.slice(0, 16)}… on both sides`;
    },
  };
}

function checkForwardedFor(from: DemoServer, to: DemoServer, ca: string): DemoCheck {
  return {
    title: 'a made-up X-Forwarded-For does not get past the sidecar',
    run: async () => {
      const headers = { 'X-Forwarded-For': '6.6.6.6', 'X-Forwarded-Proto': 'gopher' };
      const path = '/_matrix/federation/v1/query/who';
      const echo = readJson(await federate(from, to, ca, { method: 'GET', path, headers }));
      assertSame('X-Forwarded-For', echo['x_forwarded_for'], '127.0.0.1');
      assertSame('X-Forwarded-Proto', echo['x_forwarded_proto'], 'https');
      if (typeof echo['x_request_id'] !== 'string') throw new Error('there is no X-Request-Id');
      return `sent 6.6.6.6, the homeserver got ${String(echo['x_forwarded_for'])} and a request id ${String(echo['x_request_id'])}`;
    },
  };
}

function checkPreflight(server: DemoServer, ca: string): DemoCheck {
  return {
    title: 'a browser\u2019s preflight is answered by the sidecar itself',
    run: async () => {
      const before = server.homeserver.requestCount();
      const answer = await requestOverTls(server.client, ca, {
        method: 'OPTIONS',
        path: '/_matrix/client/v3/sync',
        headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'GET' },
      });
      if (answer.status !== 200 && answer.status !== 204) throw new Error(`answered ${answer.status}`);
      assertSame('Access-Control-Allow-Origin', answer.headers['access-control-allow-origin'], '*');
      assertSame('requests that reached the homeserver', server.homeserver.requestCount() - before, 0);
      return `${answer.status}, Access-Control-Allow-Methods: ${String(answer.headers['access-control-allow-methods'])}`;
    },
  };
}

function checkHttp2(server: DemoServer, ca: string): DemoCheck {
  return {
    title: 'clients may speak HTTP/2',
    run: async () => {
      const { alpn } = await inspectTls(server.client, ca);
      assertSame('the protocol agreed on (ALPN)', alpn, 'h2');
      const body = readJson(await requestOverHttp2(server.client, ca, '/_matrix/client/versions'));
      return `ALPN h2, ${JSON.stringify(body)}`;
    },
  };
}

function checkDeadHomeserver(server: DemoServer, ca: string): DemoCheck {
  // Not what the homeserver's last answer may stand in for, as for its versions.
  const request = { method: 'GET', path: '/_matrix/client/v3/sync', headers: { Origin: 'https://app.example' } };
  return {
    title: 'with the homeserver stopped, clients get a Matrix error and not a dead line',
    run: async () => {
      await server.homeserver.stop();
      let answer: TlsAnswer;
      try {
        answer = await requestOverTls(server.client, ca, request);
      } finally {
        await server.homeserver.start();
      }
      const body = readJson(answer, 502);
      if (typeof body['errcode'] !== 'string') throw new Error(`no errcode in ${JSON.stringify(body)}`);
      assertSame('Access-Control-Allow-Origin', answer.headers['access-control-allow-origin'], '*');
      const again = await requestOverTls(server.client, ca, request);
      assertSame('the status after the homeserver came back', again.status, 200);
      return `502 ${JSON.stringify(body)}; started again: ${again.status}`;
    },
  };
}

function assertSame(what: string, seen: unknown, expected: unknown): void {
  if (seen === expected) return;
  throw new Error(`${what} is ${JSON.stringify(seen)} and should be ${JSON.stringify(expected)}`);
}
