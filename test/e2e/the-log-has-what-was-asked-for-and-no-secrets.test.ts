import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask, askHttp2, openHttp2, sendRaw } from '../harness/client.ts';
import { type ServeProcess, startServe } from '../harness/process.ts';
import { type LoggedLine, startTestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let serve: ServeProcess | undefined;

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    if (request.url?.startsWith('/_matrix/client/v3/cut')) {
      response.writeHead(200, { 'content-length': '100' });
      response.write('x');
      setImmediate(() => response.destroy());
      return;
    }
    if (request.url?.startsWith('/_matrix/client/v3/gone')) return void response.destroy();
    response.statusCode = request.url?.startsWith('/_matrix/client/v3/broken') ? 500 : 200;
    response.end('{}');
  });
});
afterEach(async () => {
  await serve?.close();
  serve = undefined;
});
afterAll(() => upstream?.close());

async function start(log: string): Promise<ServeProcess> {
  serve = await startServe(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
limits: { handshake: 1s, request_headers: 1s, stalled: 1s, drain: 1s, hold: 0s }
log: ${log}`);
  return serve;
}

/** Ends it, so that everything that it would log is there. */
async function endAndRead(running: ServeProcess): Promise<string> {
  running.child.kill('SIGTERM');
  await running.exited;
  return running.stdout() + running.stderr();
}

const requestsIn = (running: ServeProcess) => running.log().filter(({ msg }) => msg === 'request');

describe('requests', () => {
  /** Makes one request of each kind, and tells what was logged when all is over. */
  async function visit(requests: 'off' | 'errors' | 'all'): Promise<readonly LoggedLine[]> {
    const running = await startTestSidecar(`log: { requests: ${requests} }
servers: [{ server_name: a.test, homeserver: "${upstream.url}", website: "http://127.0.0.1:1" }]`);
    const headers = { host: 'a.test' };
    await ask(running, '/_matrix/client/v3/fine?a=b', { headers });
    await ask(running, '/_matrix/nonsense\\x', { headers });
    await ask(running, '/_synapse/admin/v1/users', { headers });
    await ask(running, '/.well-known/matrix/client', { headers });
    await ask(running, '/_matrix/client/v3/broken', { headers });
    await ask(running, '/_matrix/client/v3/gone', { headers, method: 'POST', body: '{}' });
    await ask(running, '/_matrix/client/v3/cut', { headers }).catch(() => undefined);
    await ask(running, '/website', { headers });
    const session = openHttp2(running, 'federation');
    await askHttp2(session, { ':path': '/_matrix/key/v2/server?x', ':authority': 'a.test' });
    session.close();
    await running.close();
    return running.logged;
  }
  const linesOf = (logged: readonly LoggedLine[]) =>
    logged.filter(({ sentence }) => sentence === 'request').map(({ fields }) => fields);
  const paths = (logged: readonly LoggedLine[]): string[] =>
    linesOf(logged)
      .map(({ path, status }) => `${status as number} ${path as string}`)
      .toSorted();

  it('all: one line for each', async () => {
    const logged = await visit('all');
    expect(paths(logged)).toEqual([
      '200 /.well-known/matrix/client',
      '200 /_matrix/client/v3/cut',
      '200 /_matrix/client/v3/fine',
      '200 /_matrix/key/v2/server',
      '200 /_matrix/nonsense\\x',
      '403 /_synapse/admin/v1/users',
      '500 /_matrix/client/v3/broken',
      '502 /_matrix/client/v3/gone',
      '502 /website',
    ]);
    const line = (wanted: string) => linesOf(logged).find(({ path }) => path === wanted);
    expect(line('/_matrix/key/v2/server')).toEqual({
      request_id: expect.stringMatching(/^[\w-]{8,}$/),
      client: '127.0.0.1',
      listener: 'federation',
      method: 'GET',
      host: 'a.test',
      path: '/_matrix/key/v2/server',
      status: 200,
      ms: expect.any(Number),
      http: '2',
      surface: 'key',
      server: 'a.test',
    });
    expect(line('/.well-known/matrix/client')).toMatchObject({ surface: 'well-known' });
    expect(line('/website')).toMatchObject({ error: 'upstream-unreachable', blame: 'upstream', http: '1.1' });
    expect(line('/_matrix/client/v3/cut')).toMatchObject({ blame: 'upstream' });
  });

  it('errors: one line for each that failed, and not for those that were the client’s fault', async () => {
    expect(paths(await visit('errors'))).toEqual([
      '200 /_matrix/client/v3/cut',
      '500 /_matrix/client/v3/broken',
      '502 /_matrix/client/v3/gone',
      '502 /website',
    ]);
  });

  it('off: none, whatever happens; failures of the homeserver are still told', async () => {
    const logged = await visit('off');
    expect(paths(logged)).toEqual([]);
    const codes = logged.filter(({ level }) => level === 'warn').map(({ fields }) => fields['code']);
    expect(codes.toSorted()).toEqual(['upstream-closed', 'upstream-unreachable']);
  });

  it('the request id is the one that the homeserver sees, and a new one each time', async () => {
    const seen: unknown[] = [];
    const homeserver = await startHttpUpstream((request, response) => {
      seen.push(request.headers['x-request-id']);
      response.end('{}');
    });
    const running = await startTestSidecar(`log: { requests: all }
servers: [{ server_name: a.test, homeserver: "${homeserver.url}" }]`);
    for (let count = 0; count < 3; count++) await ask(running, '/_matrix/x', { headers: { 'x-request-id': 'forged' } });
    await running.close();
    await homeserver.close();
    expect(linesOf(running.logged).map((line) => line['request_id'])).toEqual(seen);
    expect(new Set(seen).size).toBe(3);
    expect(seen).not.toContain('forged');
  });
});

describe('whatever goes wrong', () => {
  /** As they look in life. */
  const SECRETS = {
    synapse: 'syt_YWxpY2U_kQxVqhKcwzXhPdOGUxTl_1Wn8Xk',
    mas: 'mat_lzy5jDqGmVJVrpbKiLFb8lPlYp2MnK_0vQw81',
    refresh: 'mar_Fh2n8LkQsZ0dTtYvBqXe5rWcUa3JmO_Zy7tq4',
    login: 'syl_pDmXoYvLbWqTzRkAcEfG_2hJ9uN',
    jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWEtdG9rZW4',
    signature: 'K8280Gr05hIPdQwIXFQFmGYu1vZKWx0sQ3qj2iQF1RfHdS',
    cookie: 'oidc_session_no_samesite=MDAxY2xvY2F0aW9u',
    password: 'correct-horse-battery-staple',
    guest: 'MDAxOGxvY2F0aW9uIG1hdHJpeA_macaroon',
  };
  const authorizations = [
    `Bearer ${SECRETS.synapse}`,
    `Bearer ${SECRETS.mas}`,
    `Bearer ${SECRETS.jwt}`,
    `X-Matrix origin="b.test",destination="a.test",key="ed25519:1",sig="${SECRETS.signature}"`,
  ];
  const query = `?access_token=${SECRETS.guest}&loginToken=${SECRETS.login}&refresh=${SECRETS.refresh}`;

  it('the query, tokens, Authorization, cookies and bodies are in no line, at any level', async () => {
    const running = await start('{ level: trace, requests: all }');
    const body = JSON.stringify({ password: SECRETS.password, refresh_token: SECRETS.refresh });
    for (const authorization of authorizations) {
      for (const path of ['fine', 'broken', 'gone', 'cut']) {
        const headers = { host: 'a.test', authorization, cookie: SECRETS.cookie };
        const wish = { method: 'PUT', headers, body };
        await ask(running, `/_matrix/client/v3/${path}${query}`, wish).catch(() => undefined);
      }
    }
    const fields = `Authorization: ${authorizations[0]}\r\nCookie: ${SECRETS.cookie}\r\n`;
    const line = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a.test\r\n${fields}`;
    const broken: [string, object?][] = [
      [`${line(`/_matrix/x${query}`)}Broken Header\r\n\r\n`],
      [`${line(`/_matrix/x${query}`)}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${SECRETS.password}`],
      [`${line(`http://a.test/_matrix/x${query}`)}\r\n`],
      [`${line(`/_matrix/x#${query}`)}\r\n`],
      [`${line(`/_matrix/x${query}`)}Transfer-Encoding: gzip\r\n\r\n`],
      [`${line(`/_matrix/x${query}`)}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`],
      [`${line(`/_matrix/client/v3/sync&submit_token=${SECRETS.guest}`)}\r\n`],
      [`${line(`/_matrix/client/v3/login/${SECRETS.login}/${SECRETS.synapse}/${SECRETS.mas}`)}\r\n`],
      [`GET / HTTP/1.1\r\nHost: ${SECRETS.synapse}\r\n\r\n`],
      [`${line(`/nothing${query}`)}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`],
      [`${line(`/_matrix/x${query}`)}X: ${'x'.repeat(40_000)}\r\n\r\n`],
      [`CONNECT a.test:443${query} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`],
      [`POST /_matrix/x${query} HTTP/1.1\r\nHost: a.test\r\n${fields}Content-Length: 50\r\n\r\n${SECRETS.password}`],
      [`POST /_matrix/x${query} HTTP/1.1\r\nHost: a.test\r\n${fields}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
      [`GET /_matrix/x${query} HTTP/1.1\r\nHost: a.test\r\n${fields}Expect: ${SECRETS.password}\r\n\r\n`],
      [line(`/_matrix/x${query}`)],
      [line(`/_matrix/x${query}`), { plain: true }],
      [`${line(`/_matrix/x${query}`)}\r\n`, { on: 'http' }],
      [`${line(`/api/status${query}`)}\r\n`, { on: 'admin' }],
    ];
    await Promise.all(broken.map(([bytes, options]) => sendRaw(running, bytes, { patience: 2_500, ...options })));
    const session = openHttp2(running);
    const fine = { ':path': `/_matrix/client/v3/fine${query}`, ':authority': 'a.test' };
    for (const authorization of authorizations)
      await askHttp2(session, { ...fine, authorization, cookie: SECRETS.cookie });
    await askHttp2(session, { ...fine, ':path': `/nothing${query}`, authorization: authorizations[0]! });
    session.close();
    const everything = await endAndRead(running);
    // It did log: what is looked for could have been there.
    expect(requestsIn(running).length).toBeGreaterThan(20);
    expect(everything).toContain('/_matrix/client/v3/fine"');
    for (const [name, secret] of Object.entries(SECRETS))
      expect([name, everything.includes(secret)]).toEqual([name, false]);
    expect(everything).not.toMatch(/access_token|loginToken|Bearer|X-Matrix|authorization|cookie/i);
    // Every line is one JSON object, whatever strangers wrote.
    const lines = everything.trimEnd().split('\n');
    expect(lines.filter((one) => !one.startsWith('{"level":'))).toEqual([]);
  });
});

it('a reload changes the level', async () => {
  const running = await start('{ level: info, requests: all }');
  const yaml = (level: string) =>
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nlog: { level: ${level}, requests: all }`;
  await running.write(yaml('debug'));
  running.child.kill('SIGHUP');
  await running.logged(/^Reloaded/);
  await sendRaw(running, 'not HTTP at all\r\n\r\n', { on: 'http' });
  await running.logged(/^Connection refused/);
  await running.write(yaml('error'));
  running.child.kill('SIGHUP');
  // Nothing says that it has been done: that is the level.
  let lines = -1;
  for (let attempt = 0; lines !== requestsIn(running).length; attempt++) {
    expect(attempt).toBeLessThan(50);
    lines = requestsIn(running).length;
    await ask(running, '/_matrix/x');
  }
});
