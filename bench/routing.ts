import process from 'node:process';
import { choosePool } from '../src/app/choose-place.ts';
import { createRoutes } from '../src/app/create-routes.ts';
import { formatConfigProblems } from '../src/config/format-problems.ts';
import { loadConfig } from '../src/config/load-config.ts';
import { createStableChoice } from '../src/forward/stable-choice.ts';
import { listWorkerSamples } from '../src/import/worker-samples.ts';
import { SINGLE_POOLS, STREAMS, WORKER_POOLS } from '../src/matrix/worker-pools.ts';
import { WORKER_ROUTES } from '../src/matrix/worker-routes.ts';

/**
 * What a decision costs, from the raw request to the instance: `node bench/routing.ts`. Without workers, and with every pool and the
 * whole table; rounds take turns, and the median of each counts, in processor time. Nothing is sent.
 */
const [ROUNDS, REQUESTS] = [15, 100_000];
const NAMES = ['without workers', 'with every pool'] as const;

/** Three of each, where there may be three. */
function writeConfig(workers: boolean): string {
  const list = (names: readonly (typeof WORKER_POOLS | typeof STREAMS)[number][]): string =>
    names
      .map((name) => {
        const hosts = SINGLE_POOLS.has(name) ? [1] : [1, 2, 3];
        return `${name}: [${hosts.map((n) => `"http://${name.replaceAll('_', '-')}${n}:8081"`).join(', ')}]`;
      })
      .join(', ');
  const pools = workers
    ? `, mas: "http://mas", workers: { ${list(WORKER_POOLS)}, stream_writers: { ${list(STREAMS)} } }`
    : '';
  const others = Array.from({ length: 50 }, (_, n) => `  - { server_name: s${n}.org, homeserver: "http://h${n}" }\n`);
  return `servers:\n  - { server_name: example.com, homeserver: "http://main:8008"${pools} }\n${others.join('')}`;
}

const clientAddress = '192.0.2.1';
const headers = [
  ...['host', 'example.com', 'user-agent', 'Element/1.0', 'accept', '*/*'],
  ...['authorization', `Bearer syt_${Buffer.from('alice').toString('base64')}_abcdefghijklmnopqrst_0a1b2c`],
];

function createDecide(workers: boolean): (method: string, target: string) => number {
  const readFile = (): Uint8Array => Buffer.from(writeConfig(workers));
  const loaded = loadConfig({ file: 'bench.yaml', env: {}, cwd: '/', readFile });
  if (!loaded.ok) throw new Error(formatConfigProblems(loaded.problems));
  const { config } = loaded;
  const decide = createRoutes(config);
  const pools = config.servers[0]!.workers?.pools ?? {};
  const choices = new Map(
    Object.entries(pools).map(([pool, list]) => [pool, createStableChoice(list.map(({ text }) => text))]),
  );
  const fixed = { listener: 'https', authority: 'example.com', serverName: 'example.com', clientAddress } as const;
  return (method, target) => {
    const decision = decide({ ...fixed, method, target, origins: () => [] });
    if (decision.do !== 'forward') return 0;
    if (decision.pools === undefined) return 1;
    const { plan, key } = choosePool({ method, target, headers }, clientAddress, decision);
    const [pool] = plan.pools;
    if (pool === undefined || key.by === 'none') return 2;
    return choices.get(pool)!('value' in key ? key.value : '');
  };
}

const targets = listWorkerSamples().map(({ target }) => target);
const METHODS = ['GET', 'GET', 'PUT', 'POST'];
const decides = [createDecide(false), createDecide(true)] as const;
const times: [number[], number[]] = [[], []];
let sum = 0;
for (let round = 0; round < ROUNDS + 2; round++) {
  for (const [which, decide] of decides.entries()) {
    const began = process.cpuUsage();
    for (let n = 0; n < REQUESTS; n++) sum += decide(METHODS[n % 4]!, targets[(n * 7) % targets.length]!);
    // The first rounds are for the compiler.
    if (round > 1) times[which]!.push(process.cpuUsage(began).user / REQUESTS);
  }
}
const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!;
const [without, full] = [median(times[0]), median(times[1])];
process.stdout.write(`${targets.length} targets of ${WORKER_ROUTES.length} routes, 51 servers, ${ROUNDS} rounds of ${REQUESTS} (${sum}).
${NAMES[0]}: ${without.toFixed(2)} µs a request
${NAMES[1]}: ${full.toFixed(2)} µs a request, ${(full / without).toFixed(2)} times as much
`);
