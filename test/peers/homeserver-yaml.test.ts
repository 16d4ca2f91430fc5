import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFileUpTo } from '../../src/config/read-file.ts';
import { lintHomeserver } from '../../src/synapse/lint.ts';
import { loadHomeserverYaml } from '../../src/synapse/load-homeserver-yaml.ts';
import { facts } from '../synapse/sound.ts';
import { whyNoSynapse } from './synapse.ts';

const run = promisify(execFile);
const IMAGE = process.env['SYNAPSE_IMAGE'] ?? 'matrixdotorg/synapse:latest';
const LINES = resolve(import.meta.dirname, '../../deploy/homeserver-lines.yaml');
const missing = await whyNoSynapse();

if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('a real Synapse is here, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}

if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`The homeserver.yaml that Synapse's own image generates${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'generated-'));
  const generated = join(folder, 'homeserver.yaml');
  const direct = facts({ clientDocument: { 'm.homeserver': { base_url: 'https://example.com' } } });
  const lint = (paths: readonly string[], about = direct) =>
    lintHomeserver(loadHomeserverYaml(paths, { readFile: readFileUpTo }), about).map(({ id, severity }) => [
      id,
      severity,
    ]);

  beforeAll(async () => {
    const [uid, gid] = [String(process.getuid?.() ?? 0), String(process.getgid?.() ?? 0)];
    await run(
      'docker',
      [
        ...[
          'run',
          '--rm',
          '--network',
          'host',
          '--user',
          `${uid}:${gid}`,
          '--env',
          `UID=${uid}`,
          '--env',
          `GID=${gid}`,
        ],
        ...['--env', 'SYNAPSE_SERVER_NAME=example.com', '--env', 'SYNAPSE_REPORT_STATS=no'],
        ...['--volume', `${folder}:/data`, IMAGE, 'generate'],
      ],
      { timeout: 120_000 },
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is read without a problem, and its listener found', () => {
    const { yaml, problems } = loadHomeserverYaml([generated], { readFile: readFileUpTo });
    expect(problems).toEqual([]);
    expect(yaml).toMatchObject({
      serverName: 'example.com',
      trustedKeyServers: ['matrix.org'],
      maxUploadSize: 52_428_800,
    });
    expect(yaml?.listeners).toMatchObject([
      { type: 'http', at: { kind: 'tcp', port: 8008 }, tls: false, resources: ['client', 'federation'] },
    ]);
  });

  test('fits the sidecar together with the lines that are shipped', () => {
    expect(lint([generated, LINES])).toEqual([]);
  });

  test('fits a sidecar in another container as it is', () => {
    expect(lint([generated])).toEqual([]);
  });

  test('lacks public_baseurl when the server is delegated', () => {
    expect(lint([generated, LINES], facts())).toEqual([['synapse-public-baseurl-missing', 'warning']]);
  });
});
