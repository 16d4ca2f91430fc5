import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../harness/client.ts';
import { startServe } from '../harness/process.ts';
import { startHttpUpstream } from '../harness/upstream.ts';

let folder: string;
let main: string;

// Outside of the project: no library is found there that the build does not bring.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'build-'));
  main = join(folder, 'dist/main.js');
  const script = join(import.meta.dirname, '../../scripts/build.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, join(folder, 'dist')], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', cwd: folder });
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

it('loads every command', () => {
  const help = run('--help');
  for (const command of ['serve', 'check', 'advise', 'doctor', 'certs', 'import', 'config', 'demo']) {
    expect(help).toContain(`\n  ${command} `);
  }
  expect(JSON.parse(run('config', 'schema'))).toHaveProperty('properties.servers');
});

it('serves, with several processes as well', async () => {
  const upstream = await startHttpUpstream((_request, response) => response.end('{"from":"the homeserver"}'));
  try {
    for (const processes of [1, 2]) {
      const yaml = `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nprocesses: ${processes}\n`;
      const serve = await startServe(yaml, undefined, { main });
      try {
        const answer = await ask(serve, '/_matrix/client/v3/sync', { headers: { host: 'a.test' } });
        expect([answer.status, answer.body.toString()]).toEqual([200, '{"from":"the homeserver"}']);
      } finally {
        await serve.close();
      }
    }
  } finally {
    await upstream.close();
  }
});

it('has the licences of what went in', () => {
  expect(existsSync(join(folder, 'node_modules'))).toBe(false);
  const licences = readFileSync(join(folder, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
  for (const library of ['undici', 'acme-client', 'node-forge', 'pino', 'zod', 'yaml', 'pg', 'httpxy', 'prom-client']) {
    expect(licences).toMatch(new RegExp(`^${library} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
  }
});

it('has a bill of materials with each library that went in, its version and its licence', () => {
  const licences = readFileSync(join(folder, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
  const heads = licences.matchAll(/(?:^|-{80}\n\n)([^ \n]+) ([^ \n]+) \((.+)\)$/gm);
  const wentIn = [...heads].map(([, name, version, licence]) => `${name}@${version} ${licence}`);
  expect(wentIn.length).toBeGreaterThan(50);
  const bill = JSON.parse(readFileSync(join(folder, 'dist/sbom.cdx.json'), 'utf8')) as Bill;
  expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'matrix-sidecar' } } });
  const listed = bill.components.map(({ name, version, licenses }) => {
    const said = licenses.map(({ license, expression }) => license?.id ?? expression);
    return `${name}@${version} ${said.join(' ')}`;
  });
  expect(listed.sort()).toEqual(wentIn.sort());
  // An alias of ours is nobody's package: scanners go by the purl.
  for (const { name, version, purl } of bill.components) {
    expect(decodeURIComponent(purl)).toBe(`pkg:npm/${name}@${version}`);
  }
  const refs = new Set([bill.metadata.component, ...bill.components].map((component) => component['bom-ref']));
  expect(
    bill.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]).filter((ref) => !refs.has(ref)),
  ).toEqual([]);
});

/** What is read of CycloneDX. */
interface Bill {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}
interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly { readonly license?: { readonly id: string }; readonly expression?: string }[];
}
