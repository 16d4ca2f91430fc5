import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDnsProvider } from '../../src/app/open-dns-provider.ts';
import { createDnsClient } from '../../src/base/dns.ts';
import { realSystem } from '../../src/base/system.ts';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { failureOf, makeTask, NEVER } from '../acme/solvers/challenge-task.ts';
import { type ScriptedApi, startApi } from '../acme/solvers/scripted-api.ts';

const account = { username: 'u', password: 'p', fulldomain: 'a.auth.test', subdomain: 'a' };
const record = { name: 'a.auth.test', value: 'v', task: makeTask('dns-01', 'example.com') };

let folder: string;
let api: ScriptedApi;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dns-provider-'));
  api = await startApi(() => ({ body: { txt: 'v' } }));
});
afterEach(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

/** As `serve` opens what a configuration says. */
function open(dns: string) {
  const file = join(folder, 'sidecar.yaml');
  const server = '{ server_name: example.com, homeserver: "http://h:8008" }';
  writeFileSync(file, `servers: [${server}]\nacme: { challenges: [dns-01], dns: ${dns} }\n`);
  const loaded = loadConfig({ file, env: {}, cwd: folder });
  if (!loaded.ok) throw new Error(formatConfigProblems(loaded.problems));
  return openDnsProvider(loaded.config.acme.dns!, { system: realSystem, dns: createDnsClient({ servers: [] }) });
}

describe('the provider that a configuration names', () => {
  it('exec runs the program, as the mode says', async () => {
    const program = join(folder, 'update');
    writeFileSync(program, `#!/bin/sh\necho "$@" > ${folder}/log\n`);
    chmodSync(program, 0o700);
    const { provider, propagationTimeout, close } = await open(
      `{ provider: exec, program: "${program}", propagation_timeout: 90s }`,
    );
    await provider.set(record, NEVER);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('present a.auth.test. v\n');
    expect(propagationTimeout).toBe(90_000);
    await close();
    const raw = await open(`{ provider: exec, program: "${program}", mode: raw }`);
    await raw.provider.set(record, NEVER);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toMatch(/^present -- example\.com /);
    await raw.close();
  });

  it('httpreq posts to the URL with the credentials', async () => {
    const { provider, close } = await open(`{ provider: httpreq, url: "${api.url}/x", username: u, password: p }`);
    await provider.set(record, NEVER);
    expect(api.seen).toMatchObject([
      { path: '/x/present', headers: { authorization: 'Basic dTpw' }, body: { fqdn: 'a.auth.test.', value: 'v' } },
    ]);
    await close();
  });

  it('acme-dns updates with the account of the file', async () => {
    writeFileSync(join(folder, 'accounts.json'), JSON.stringify({ 'example.com': account }));
    const { provider, close } = await open(`{ provider: acme-dns, server: "${api.url}", account_file: accounts.json }`);
    await provider.set(record, NEVER);
    expect(api.seen).toMatchObject([{ path: '/update', headers: { 'x-api-user': 'u' }, body: { subdomain: 'a' } }]);
    await close();
  });

  it.each([
    ['that is not there', undefined, /accounts\.json cannot be read: ENOENT/],
    ['that is something else', '[]', /accounts\.json: /],
  ])('acme-dns with a file %s says which file', async (_, text, words) => {
    if (text !== undefined) writeFileSync(join(folder, 'accounts.json'), text);
    const error = await failureOf(open(`{ provider: acme-dns, server: "${api.url}", account_file: accounts.json }`));
    expect(error).toMatchObject({
      code: 'acme-dns-accounts',
      blame: 'operator',
      message: expect.stringMatching(words),
    });
  });
});
