import { Agent, request } from 'node:https';
import { expect, it } from 'vitest';
import { explainRequest } from '../../src/app/explain-request.ts';
import { WORKER_ROUTES } from '../../src/matrix/worker-routes.ts';
import { createSeededRandom } from '../harness/seeded-random.ts';
import { isThorough } from '../harness/thorough.ts';
import { startWorkers, synapseToken, type WorkersSetting } from '../harness/workers.ts';
import { samplePaths } from '../matrix/worker-route-samples.ts';

/** Half of the pools, some with several workers, so that requests meet every kind of plan. */
const POOLS = {
  ...{ sync: ['s1', 's2', 's3'], initial_sync: ['i1'], generic: ['g1', 'g2'], event_creator: ['e1', 'e2'] },
  ...{ pagination: ['p1'], federation_inbound: ['f1', 'f2', 'f3'], media: ['m1', 'm2'], typing: ['t1'] },
  ...{ receipts: ['r1', 'r2'], push_rules: ['q1'], device_lists: ['d1', 'd2'], sso: ['o1'] },
};
const REQUESTS = isThorough ? 10_000 : 600;

it('explain says what the proxy does', async (context) => {
  const setting = await startWorkers(context, POOLS);
  const random = createSeededRandom(7).fraction;
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
  const agent = new Agent({ keepAlive: true, maxSockets: 8, ca: setting.sidecar.ca, servername: 'localhost' });
  context.onTestFinished(() => agent.destroy());
  const paths = [
    ...WORKER_ROUTES.flatMap(({ pattern }) => samplePaths(pattern)),
    ...[
      '/_matrix/client/v3/nothing',
      '/_matrix/key/v2/server',
      '/_synapse/metrics',
      '/website',
      '/.well-known/matrix/x',
    ],
  ].filter((path) => /^[!-~]+$/.test(path));
  const wrong: string[] = [];
  const sorts = new Set<string>();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let index = 0; index < REQUESTS / 8; index++) {
        const method = pick(['GET', 'PUT', 'POST', 'DELETE']);
        const query = pick(['', '', '?since=s1', '?since=s1&full_state=true', '?from=x', '?ts=1']);
        const user = `user${Math.floor(random() * 50)}`;
        const authorization = pick([
          undefined,
          `Bearer ${synapseToken(user)}`,
          `X-Matrix origin="${user}.test",key="a",sig="b"`,
        ]);
        const target = `${pick(paths)}${query}`;
        const headers = authorization === undefined ? [] : ['Authorization', authorization];
        const answer = await send(setting, agent, { method, target, headers });
        const said = Object.fromEntries(
          explainRequest(
            {
              ...{ listener: 'https', method, target, headers, authority: 'a.test', serverName: 'localhost' },
              clientAddress: '127.0.0.1',
            },
            setting.sidecar.config,
          ),
        );
        const fits = judge(setting, said, answer);
        sorts.add(said['key'] === undefined ? `${said['outcome']?.slice(0, 9)}` : said['key'].slice(0, 8));
        if (!fits) wrong.push(`${method} ${target}: ${answer.status} ${answer.text}, not ${JSON.stringify(said)}`);
      }
    }),
  );
  expect(wrong).toEqual([]);
  expect(sorts.size).toBeGreaterThan(5);
}, 120_000);

interface Sent {
  readonly status: number;
  readonly text: string;
}

/** Whether the answer comes from where it was said that it would. */
function judge({ main, workers }: WorkersSetting, said: Record<string, string>, { status, text }: Sent): boolean {
  const refused = /^refused: (\d+)/.exec(said['outcome']!);
  if (refused !== null) return status === Number(refused[1]);
  if (said['outcome'] !== 'forwarded')
    return status < 400 && ![main, ...Object.values(workers)].some(({ name }) => name === text);
  const worker = said['worker'];
  if (worker === undefined) return text === 'main';
  const answered = workers[text]?.url;
  if (answered === undefined) return false;
  return worker.startsWith('the least busy of ') ? worker.includes(answered) : worker.split(/,| /)[0] === answered;
}

function send(
  { sidecar }: WorkersSetting,
  agent: Agent,
  { method, target, headers }: { method: string; target: string; headers: readonly string[] },
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const fields = {
      host: 'a.test',
      'content-length': '0',
      ...(headers[1] === undefined ? {} : { authorization: headers[1] }),
    };
    const sent = request(
      { host: '127.0.0.1', port: sidecar.https, agent, method, path: target, headers: fields },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    sent.on('error', reject).end();
  });
}
