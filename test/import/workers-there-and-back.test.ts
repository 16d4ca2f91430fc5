import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { type PoolName, STREAMS, WORKER_POOLS } from '../../src/matrix/worker-pools.ts';
import { WORKER_ROUTES } from '../../src/matrix/worker-routes.ts';
import { createSeededRandom } from '../harness/seeded-random.ts';
import { runImport } from './import-bench.ts';

const ALL: readonly PoolName[] = [...WORKER_POOLS, ...STREAMS];

/** nginx's way of saying what the sidecar would do with these pools: one location for each route, in their order. */
function writeNginx(pools: readonly PoolName[]): string {
  const has = new Set(pools);
  const choose = (order: readonly PoolName[]): string => order.find((pool) => has.has(pool)) ?? 'main';
  const locations = WORKER_ROUTES.map(({ pattern, pools: order, reads = [], initial }, index) => {
    const later = choose([...order, ...reads]);
    const first = choose([...(initial === undefined ? [] : (['initial_sync'] as const)), ...order, ...reads]);
    const map =
      initial === undefined || initial === 'always'
        ? ''
        : `map $arg_${initial} $way${index} { default ${later}; "" ${first}; }\n`;
    const target = map === '' ? first : `$way${index}`;
    const text = pattern.replaceAll(/\.(?!\*)/g, '\\.');
    return { map, location: `    location ~ "^${text}" { proxy_pass http://${target}; }\n` };
  });
  const groups = pools.map((pool) => `upstream ${pool} { server ${pool.replaceAll('_', '-')}:8081; }\n`);
  return `upstream main { server main:8008; }
${groups.join('')}${locations.map(({ map }) => map).join('')}server {
    listen 443 ssl; listen 8448 ssl; server_name example.com;
${locations.map(({ location }) => location).join('')}    location / { proxy_pass http://main; }
}
`;
}

const { fraction } = createSeededRandom(11);
const some = (share: number): readonly PoolName[] => ALL.filter(() => fraction() < share);

/** Where a GET of each route goes, initial syncs apart, by pool or by what stands in its place. */
function listWays(servers: Readonly<Record<string, string>>): readonly string[] {
  const choose = (order: readonly PoolName[]): string =>
    order.map((pool) => servers[pool]).find((one) => one !== undefined) ?? 'main';
  return WORKER_ROUTES.flatMap(({ pattern, pools, reads = [], initial }) => [
    `${pattern} ${choose([...pools, ...reads])}`,
    ...(initial === undefined ? [] : [`first ${pattern} ${choose(['initial_sync', ...pools, ...reads])}`]),
  ]).filter((way) => !/^\S*(initialSync\$) /.test(way));
}

it.each([
  ['generic workers alone', ['generic']],
  ['all', ALL],
  ...[0.2, 0.3, 0.5, 0.5, 0.7, 0.9].map((share): [string, readonly PoolName[]] => {
    const pools = some(share);
    return [pools.join(', '), pools];
  }),
] as const)('requests go where they went: %s', async (_, pools) => {
  const folder = mkdtempSync(join(tmpdir(), 'there-and-back-'));
  try {
    writeFileSync(join(folder, 'nginx.conf'), writeNginx(pools));
    const { yaml, said } = await runImport(['nginx', 'nginx.conf'], folder);
    const { stream_writers, ...workers } = parse(yaml).servers[0].workers;
    const expected = Object.fromEntries(pools.map((pool) => [pool, `http://${pool.replaceAll('_', '-')}:8081`]));
    const found = { ...workers, ...stream_writers };
    expect(listWays(found)).toEqual(listWays(expected));
    expect(Object.keys(found).length).toBeLessThanOrEqual(pools.length);
    expect(said).not.toContain('import-workers');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
