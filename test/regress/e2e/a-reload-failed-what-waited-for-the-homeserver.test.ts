import { expect, it } from 'vitest';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { exchangeWhole, VERSIONS } from '../../harness/stream-client.ts';
import { until } from '../../harness/until.ts';
import { readRequests, startHttpUpstream, startRawUpstream } from '../../harness/upstream.ts';

// A homeserver that comes back elsewhere is told to the sidecar by a reload: what waited for it at its old address was
// answered 502 in that very moment.
const yaml = (homeserver: string): string => `servers: [{ server_name: a.test, homeserver: "${homeserver}" }]`;

it.for(VERSIONS)(
  'what waits for a homeserver goes where a reload says that it is now, over %s',
  async (version, context) => {
    const old = await startHttpUpstream((_request, response) => response.end());
    await old.close();
    const next = await startHttpUpstream((request, response) => {
      request.resume().on('end', () => response.end(request.method));
    });
    const sidecar = await startTestSidecar(yaml(old.url));
    context.onTestFinished(async () => {
      await sidecar.close();
      await next.close();
    });
    const body = Buffer.alloc(200_000, 'x');
    const waiting = Promise.all([
      exchangeWhole(sidecar, version, { path: '/_matrix/client/v3/sync' }),
      exchangeWhole(sidecar, version, { method: 'POST', path: '/_matrix/client/v3/createRoom', body: '{}' }),
      exchangeWhole(sidecar, version, { method: 'POST', path: '/_matrix/media/v3/upload', body }),
    ]);
    await until('three wait', () => sidecar.sidecar.status().servers[0]?.requests_held === 3);
    await sidecar.reload(yaml(next.url));
    const answers = await waiting;
    expect(answers.map(({ status, body: said }) => [status, said.toString()])).toEqual([
      [200, 'GET'],
      [200, 'POST'],
      [200, 'POST'],
    ]);
  },
);

/** Takes requests and says nothing until it is killed. */
async function startSilent() {
  const sockets: { destroy(): void }[] = [];
  const upstream = await startRawUpstream((socket) => readRequests(socket, () => sockets.push(socket)));
  return {
    url: upstream.url,
    arrivals: () => sockets.length,
    kill() {
      for (const socket of sockets) socket.destroy();
    },
    close: upstream.close,
  };
}

it('what is lost at the old address is sent again to the new one, a website’s too', async ({ onTestFinished }) => {
  const [homeserver, website] = [await startSilent(), await startSilent()];
  const [next, nextSite] = await Promise.all(
    ['homeserver', 'website'].map((name) => startHttpUpstream((_request, response) => response.end(name))),
  );
  const both = (url: string, site: string): string =>
    `servers: [{ server_name: a.test, homeserver: "${url}", website: "${site}" }]`;
  const sidecar = await startTestSidecar(both(homeserver.url, website.url));
  onTestFinished(async () => {
    await sidecar.close();
    for (const one of [homeserver, website, next!, nextSite!]) await one.close();
  });
  const asked = Promise.all([
    exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/client/v3/sync' }),
    exchangeWhole(sidecar, 'HTTP/1.1', { method: 'POST', path: '/_matrix/client/v3/createRoom', body: '{}' }),
    exchangeWhole(sidecar, 'HTTP/1.1', { path: '/about.html' }),
  ]);
  await until('all are there', () => homeserver.arrivals() === 2 && website.arrivals() === 1);
  await sidecar.reload(both(next!.url, nextSite!.url));
  homeserver.kill();
  website.kill();
  const answers = await asked;
  expect(answers.map(({ status }) => status)).toEqual([200, 502, 200]);
  expect(answers[0]!.body.toString()).toBe('homeserver');
  expect(answers[2]!.body.toString()).toBe('website');
});

it('what waited for a homeserver that is not configured any more is answered as others of its server are', async ({
  onTestFinished,
}) => {
  const server = (name: string): string => `{ server_name: ${name}, homeserver: "http://127.0.0.1:9" }`;
  const sidecar = await startTestSidecar(`servers: [${server('a.test')}, ${server('b.test')}]`);
  onTestFinished(() => sidecar.close());
  const path = '/_matrix/client/v3/sync';
  const waiting = exchangeWhole(sidecar, 'HTTP/1.1', { path });
  await until('it waits', () => sidecar.sidecar.status().servers[0]?.requests_held === 1);
  await sidecar.reload(`servers: [${server('b.test')}, ${server('c.test')}]`);
  const later = await exchangeWhole(sidecar, 'HTTP/1.1', { path });
  expect([(await waiting).status, later.status]).toEqual([421, 421]);
});

it('of two servers at one homeserver, the one that moves waits there no more', async ({ onTestFinished }) => {
  const next = await startHttpUpstream((_request, response) => response.end('moved'));
  const servers = (url: string): string =>
    `servers: [{ server_name: a.test, homeserver: "${url}" }, { server_name: b.test, homeserver: "http://127.0.0.1:9" }]`;
  const sidecar = await startTestSidecar(servers('http://127.0.0.1:9'));
  onTestFinished(async () => {
    await sidecar.close();
    await next.close();
  });
  const path = '/_matrix/client/v3/sync';
  const waiting = exchangeWhole(sidecar, 'HTTP/1.1', { path });
  void exchangeWhole(sidecar, 'HTTP/1.1', { path, authority: 'b.test' }).catch(() => {});
  await until('both wait', () => sidecar.sidecar.status().servers[1]?.requests_held === 2);
  await sidecar.reload(servers(next.url));
  expect((await waiting).body.toString()).toBe('moved');
  expect(sidecar.sidecar.status().servers.map(({ requests_held }) => requests_held)).toEqual([0, 1]);
});
