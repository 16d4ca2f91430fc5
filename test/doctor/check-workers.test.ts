import { expect, it, onTestFinished, type TestContext } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { describeDeployment } from '../../src/cli/doctor/describe-deployment.ts';
import { checkWorkers } from '../../src/doctor/check-workers.ts';
import { readConfig } from '../app/test-config.ts';
import { startHttpUpstream } from '../harness/upstream.ts';

/** Paths of a process of Synapse's, with the status of each; all others are unknown to it. */
const CLIENT = { '/health': 200, '/_matrix/client/versions': 200 };
const FEDERATION = { '/_matrix/federation/v1/version': 200 };
const MEDIA = { '/health': 200, '/_matrix/media/v3/config': 401 };
const MAIN = { ...CLIENT, ...FEDERATION, '/_matrix/client/v3/pushers': 401 };

type Paths = Readonly<Record<string, number>>;

async function start({ onTestFinished }: Pick<TestContext, 'onTestFinished'>, paths: Paths): Promise<string> {
  const server = await startHttpUpstream((request, response) => {
    response.statusCode = paths[request.url ?? ''] ?? 404;
    response.end('{"errcode":"M_UNRECOGNIZED"}');
  });
  onTestFinished(() => server.close());
  return server.url;
}

/** The findings on a main process and the workers of some pools, by what each of them answers. */
async function look(context: Pick<TestContext, 'onTestFinished'>, main: Paths, pools: Readonly<Record<string, Paths>>) {
  const homeserver = await start(context, main);
  const written: string[] = [];
  for (const [pool, paths] of Object.entries(pools)) written.push(`${pool}: "${await start(context, paths)}"`);
  return run(`servers: [{ server_name: a.test, homeserver: "${homeserver}", workers: { ${written.join(', ')} } }]`);
}

async function run(yaml: string) {
  const [server] = describeDeployment(readConfig(yaml), { homeserverYaml: [], privateAuthority: false }).servers;
  const rows = checkWorkers(server!, { system: realSystem });
  return Promise.all(rows.map((row) => row.run(new AbortController().signal)));
}

it('nothing is found where each worker serves what its pool is for', async (context) => {
  const pools = {
    generic: { ...CLIENT, ...FEDERATION },
    sync: CLIENT,
    federation_inbound: { '/health': 200, ...FEDERATION },
    media: MEDIA,
    background: { '/health': 200 },
  };
  expect(await look(context, MAIN, pools)).toEqual([{ seen: '5 of 5 answer', findings: [] }]);
});

it.each([
  ['a worker is unwell', MAIN, { sync: { '/health': 503 } }, ['worker-unreachable']],
  ['a generic worker serves no federation', MAIN, { generic: CLIENT }, ['worker-lacks-resource']],
  ['a worker of media has no media', MAIN, { media: CLIENT }, ['worker-lacks-resource']],
  ['a worker of syncs is the one of media', MAIN, { sync: MEDIA }, ['worker-lacks-resource']],
  ['the main process stands in a pool', MAIN, { sync: MAIN }, ['worker-is-main']],
  ['homeserver is a worker', { ...CLIENT, ...FEDERATION }, { sync: CLIENT }, ['homeserver-is-worker']],
] as const)('it is found that %s', async (_, main, pools, expected) => {
  const [seen] = await look({ onTestFinished }, main, pools);
  expect(seen!.findings.map(({ id }) => id)).toEqual(expected);
});

it('a worker that is not there is named once, with all of its pools', async (context) => {
  const homeserver = await start(context, MAIN);
  const gone = 'http://127.0.0.1:1';
  const [seen] = await run(
    `servers: [{ server_name: a.test, homeserver: "${homeserver}", workers: { generic: "${gone}", stream_writers: { typing: "${gone}" } } }]`,
  );
  expect(seen!.findings.map(({ id, what }) => [id, what])).toEqual([
    [
      'worker-unreachable',
      `The worker at ${gone} (generic, typing) does not answer well to /health: nothing listens there.`,
    ],
  ]);
});

it('there is no row for a homeserver without workers', async () => {
  expect(await run('servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]')).toEqual([]);
});
