import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config, ServerConfig } from '../../src/config/config.ts';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import { loadConfig } from '../../src/config/load-config.ts';

/** A configuration as `serve` would read it in the folder /etc. */
export function readConfig(yaml: string): Config {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  const file = join(folder, 'sidecar.yaml');
  writeFileSync(file, yaml);
  const loaded = loadConfig({ file, env: {}, cwd: '/etc' });
  rmSync(folder, { recursive: true });
  if (!loaded.ok) throw new Error(formatConfigProblems(loaded.problems));
  return loaded.config;
}

/** One server; `keys` in the flow style of YAML, without server_name and homeserver. */
export function readServer(serverName: string, keys = ''): ServerConfig {
  const rest = keys === '' ? '' : `, ${keys}`;
  return readConfig(`servers: [{ server_name: "${serverName}", homeserver: "http://synapse:8008"${rest} }]`)
    .servers[0]!;
}
