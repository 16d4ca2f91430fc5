import { Agent as PlainAgent, request as requestPlain } from 'node:http';
import { Agent, request } from 'node:https';
import { expect, it } from 'vitest';
import { explainRequest } from '../../src/app/explain-request.ts';
import { parseSize } from '../../src/base/quantity.ts';
import { WORKER_ROUTES } from '../../src/matrix/worker-routes.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { startInstance, type TestInstance } from '../harness/instances.ts';
import { createSeededRandom } from '../harness/seeded-random.ts';
import { type LoggedLine, startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { isThorough } from '../harness/thorough.ts';
import { until } from '../harness/until.ts';
import { synapseToken } from '../harness/workers.ts';
import { samplePaths } from '../matrix/worker-route-samples.ts';

const REQUESTS = isThorough ? 10_000 : 400;
const AT_ONCE = 8;
/** Milliseconds. */
const HOLD = 200;

/** Half of the pools, some with several workers, so that requests meet every kind of plan. */
const POOLS = {
  ...{ sync: ['s1', 's2', 's3'], initial_sync: ['i1'], generic: ['g1', 'g2'], event_creator: ['e1', 'e2'] },
  ...{ pagination: ['p1'], federation_inbound: ['f1', 'f2', 'f3'], media: ['m1', 'm2'], sso: ['o1'] },
};
const STREAMS = { typing: ['t1'], receipts: ['r1', 'r2'], push_rules: ['q1'], device_lists: ['d1', 'd2'] };

/** One with workers and MAS, one of several instances with a website and a delegation, and one whose homeserver is away. */
const writeConfig = (urls: (names: readonly string[]) => string, away: number): string => `servers:
  - server_name: a.test
    homeserver: ${urls(['main'])}
    mas: ${urls(['mas1', 'mas2'])}
    workers:
${writePools(POOLS, '      ', urls)}      stream_writers:
${writePools(STREAMS, '        ', urls)}  - { server_name: b.test, homeserver: ${urls(['b1', 'b2'])}, website: ${urls(['web'])}, delegate_to: "m.b.test:443" }
  - { server_name: c.test, homeserver: "http://127.0.0.1:${away}" }
routes: { admin_api_from: 127.0.0.1, trusted_proxies: 127.0.0.1, blocked_servers: [evil.test] }
limits: { body: 64KiB, upload: 128KiB, hold: ${HOLD}ms }
log: { requests: all }
`;

function writePools(
  pools: Readonly<Record<string, readonly string[]>>,
  indent: string,
  urls: (names: readonly string[]) => string,
): string {
  return Object.entries(pools)
    .map(([pool, names]) => `${indent}${pool}: ${urls(names)}\n`)
    .join('');
}

interface Asked {
  readonly id: string;
  readonly listener: 'https' | 'federation' | 'http';
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly authorization: string | undefined;
  /** Bytes of the body. */
  readonly length: number;
}

interface Happened {
  readonly status: number;
  readonly text: string;
  readonly location: string | undefined;
  /** The line of the log. */
  readonly line: Record<string, unknown>;
}

it('explain says what the proxy does', async (context) => {
  const instances = new Map<string, TestInstance>();
  const named = [...Object.values(POOLS).flat(), ...Object.values(STREAMS).flat()];
  for (const name of ['main', 'mas1', 'mas2', 'b1', 'b2', 'web', ...named])
    instances.set(name, await startInstance(context, name));
  const [away = 0] = await findFreePorts(1);
  const urls = (names: readonly string[]): string => JSON.stringify(names.map((name) => instances.get(name)!.url));
  const sidecar = await startTestSidecar(writeConfig(urls, away));
  context.onTestFinished(() => sidecar.close());
  const send = createSend(sidecar);
  context.onTestFinished(() => send.close());
  const ask = createGenerator();
  const wrong: string[] = [];
  const sorts = new Map<string, number>();
  const all = Array.from({ length: REQUESTS }, (_, index) => ask(`r${index}`));
  const answers = new Map<string, Omit<Happened, 'line'>>();
  const queue = [...all];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let asked = queue.pop(); asked !== undefined; asked = queue.pop())
        answers.set(asked.id, await send.send(asked));
    }),
  );
  const lines = new Map<unknown, Record<string, unknown>>();
  await until('every request has its line', () => {
    for (const { sentence, fields } of sidecar.logged.slice(lines.size) as readonly LoggedLine[])
      if (sentence === 'request') lines.set(fields['request_id'], fields);
    return lines.size >= REQUESTS;
  });
  for (const asked of all) {
    const said = Object.fromEntries(
      explainRequest(
        {
          ...asked,
          serverName: asked.listener === 'http' ? undefined : 'localhost',
          clientAddress: '127.0.0.1',
          headers: asked.authorization === undefined ? [] : ['Authorization', asked.authorization],
        },
        sidecar.config,
      ),
    );
    const happened = { ...answers.get(asked.id)!, line: lines.get(asked.id)! };
    const { differs, sort } = judge(asked, said, happened, instances);
    sorts.set(sort, (sorts.get(sort) ?? 0) + 1);
    if (differs !== undefined)
      wrong.push(`${JSON.stringify(asked)}: ${differs}; ${JSON.stringify(happened)}, not ${JSON.stringify(said)}`);
  }
  expect(wrong).toEqual([]);
  // None of it is about nothing.
  for (const sort of SORTS)
    expect([sort, sorts.get(sort) ?? 0]).toEqual([sort, expect.toSatisfy((n: number) => n > 0)]);
}, 600_000);

const SORTS = [
  'answered',
  'redirected',
  'refused',
  'too large',
  'waits',
  'at once',
  'mas',
  'website',
  'instances',
  'worker by key',
  'worker',
  'main',
];

/** What was said that did not happen, and of which sort the request is. */
function judge(
  { listener, length }: Asked,
  said: Readonly<Record<string, string>>,
  { status, text, location, line }: Happened,
  instances: ReadonlyMap<string, TestInstance>,
): { readonly differs: string | undefined; readonly sort: string } {
  const url = instances.get(text)?.url;
  const is = (sort: string, ...parts: readonly (readonly [string, boolean])[]) => {
    const differs = parts.find(([, fits]) => !fits)?.[0];
    return { differs, sort };
  };
  const outcome = said['outcome']!;
  const onListener = [
    'listener',
    line['listener'] === listener && said['listener']!.startsWith(`${listener} `),
  ] as const;
  const refused = /^refused: (\d+)/.exec(outcome);
  if (refused !== null) return is('refused', onListener, ['status', status === Number(refused[1])]);
  if (outcome.startsWith('redirected to '))
    return is('redirected', onListener, ['location', `redirected to ${location}` === outcome]);
  if (outcome !== 'forwarded') return is('answered', onListener, ['answer', status < 400 && url === undefined]);
  const onServer = ['server', line['server'] === said['server']] as const;
  const limit = parseSize(said['body']!.replace('up to ', ''));
  if (limit.ok && length > limit.value) return is('too large', onListener, onServer, ['limit', status === 413]);
  const pools = said['pool']?.replace(/; nobody else can$/, '').split(', then ');
  const byPool = pools?.filter((pool) => pool !== 'the main process').join(', ');
  const inPool = ['pool', line['pool'] === (byPool === '' ? 'main' : byPool)] as const;
  if (said['server'] === 'c.test') {
    const waits = said['nobody there']!.includes('waits up to');
    const held = Number(line['held_ms'] ?? 0);
    const failed = ['status', status >= 500 || status === 408] as const;
    return is(waits ? 'waits' : 'at once', onListener, onServer, inPool, failed, [
      'hold',
      waits ? held >= HOLD - 50 : held === 0,
    ]);
  }
  const answered = ['status', status === 200 && url !== undefined] as const;
  const at = (place: string | undefined) => ['place', url !== undefined && place?.includes(url) === true] as const;
  const common = [onListener, onServer, inPool, answered] as const;
  if (said['authentication service'] !== undefined)
    return is('mas', onListener, onServer, answered, at(said['authentication service']));
  if (said['website'] !== undefined) return is('website', ...common, at(said['website']));
  if (said['homeserver'] !== undefined) return is('instances', ...common, at(said['homeserver']));
  const worker = said['worker'];
  if (worker === undefined) return is('main', ...common, at(said['main process']));
  if (worker.startsWith('the least busy of ')) return is('worker', ...common, at(worker));
  return is(said['key'] === undefined ? 'worker' : 'worker by key', ...common, [
    'instance',
    worker.split(/,| /)[0] === url,
  ]);
}

/** Requests of every kind, the same ones in each run. */
function createGenerator(): (id: string) => Asked {
  const { fraction } = createSeededRandom(7);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(fraction() * all.length)]!;
  const routed = WORKER_ROUTES.flatMap(({ pattern }) => samplePaths(pattern)).filter((path) => /^[!-~]+$/.test(path));
  const others = [
    ...[
      '/_matrix/client/v3/nothing',
      '/_matrix/client/versions',
      '/_matrix/key/v2/server',
      '/_synapse/metrics',
      '/website',
    ],
    ...[
      '/.well-known/matrix/server',
      '/.well-known/matrix/client',
      '/.well-known/matrix/x',
      '/_matrix/client/v3/login',
    ],
    ...[
      '/_matrix/client/r0/logout/all',
      '/_matrix/client/v3/refresh',
      '/_matrix/client/v3/login/sso/redirect?redirectUrl=x',
    ],
    ...[
      '/_synapse/admin/v1/server_version',
      '/_matrix/media/v3/upload',
      '/_matrix/client/v3/rooms/!r:a.test/send/m/login',
    ],
  ];
  return (id) => {
    const path = fraction() < 0.8 ? pick(routed) : pick(others);
    const query = path.includes('?')
      ? ''
      : pick(['', '', '?since=s1', '?since=s1&full_state=true', '?from=x', '?ts=1']);
    const user = `user${Math.floor(fraction() * 50)}`;
    const method = pick(['GET', 'GET', 'PUT', 'POST', 'DELETE', 'OPTIONS']);
    return {
      id,
      method,
      target: path + query,
      listener: pick(['https', 'https', 'https', 'https', 'federation', 'http']),
      authority: fraction() < 0.7 ? 'a.test' : pick(['b.test', 'm.b.test', 'c.test', 'A.test:443', 'nobody.test']),
      authorization: pick([
        undefined,
        `Bearer ${synapseToken(user)}`,
        `X-Matrix origin="${fraction() < 0.1 ? 'evil' : user}.test",key="a",sig="b"`,
      ]),
      length: method === 'PUT' || method === 'POST' ? pick([0, 0, 0, 10, 65_536, 65_537, 131_073]) : 0,
    };
  };
}

function createSend(sidecar: TestSidecar) {
  const tls = new Agent({ keepAlive: true, maxSockets: AT_ONCE, ca: sidecar.ca, servername: 'localhost' });
  const plain = new PlainAgent({ keepAlive: true, maxSockets: AT_ONCE });
  return {
    close(): void {
      tls.destroy();
      plain.destroy();
    },
    send: ({ id, listener, method, target, authority, authorization, length }: Asked) =>
      new Promise<Omit<Happened, 'line'>>((resolve, reject) => {
        const headers = {
          ...{ host: authority, 'x-request-id': id, 'content-length': String(length) },
          ...(authorization === undefined ? {} : { authorization }),
          // A body that is too large is never sent.
          ...(length === 0 ? {} : { expect: '100-continue' }),
        };
        const options = { host: '127.0.0.1', port: sidecar[listener], method, path: target, headers };
        const sent =
          listener === 'http' ? requestPlain({ ...options, agent: plain }) : request({ ...options, agent: tls });
        sent.on('response', (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.on('end', () => {
            if (length > 0) sent.destroy();
            resolve({ status: response.statusCode ?? 0, text, location: response.headers.location });
          });
        });
        sent.on('error', reject);
        if (length === 0) sent.end();
        else sent.on('continue', () => sent.end(Buffer.alloc(length))).flushHeaders();
      }),
  };
}
