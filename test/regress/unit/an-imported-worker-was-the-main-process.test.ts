import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { runImport } from '../../import/import-bench.ts';

async function importWorkers(upstreams: string, locations: string): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'main-or-worker-'));
  try {
    const text = `${upstreams}
server {
    listen 443 ssl; listen 8448 ssl; server_name example.com;
    ${locations}
    location / { proxy_pass http://localhost:8008; }
}
`;
    writeFileSync(join(folder, 'nginx.conf'), text);
    const { yaml, said } = await runImport(['nginx', 'nginx.conf'], folder);
    const { workers } = (parse(yaml) as { servers: [{ workers?: unknown }] }).servers[0];
    return said.includes('import-workers-differ') ? said : workers;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('the main process is no worker where it is spelled in another way', async () => {
  const media = 'location /_matrix/media/ { proxy_pass http://127.0.0.1:8008; }';
  const sync = 'location ~ ^/_matrix/client/(r0|v3)/sync$ { proxy_pass http://[::1]:8008; }';
  expect(await importWorkers('', `${media}\n    ${sync}`)).toBeUndefined();
});

it('the same workers in another order are the same workers', async () => {
  const upstreams =
    'upstream one { server w1:8081; server w2:8081; }\nupstream two { server w2:8081; server w1:8081; server w2:8081; }';
  const locations = `location ~ ^/_matrix/client/(r0|v3)/sync$ { proxy_pass http://one; }
    location ~ ^/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/messages$ { proxy_pass http://two; }`;
  const workers = ['http://w1:8081', 'http://w2:8081'];
  expect(await importWorkers(upstreams, locations)).toEqual({
    sync: workers,
    pagination: workers,
  });
});
