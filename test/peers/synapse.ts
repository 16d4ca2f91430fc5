import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const IMAGE = process.env['SYNAPSE_IMAGE'] ?? 'matrixdotorg/synapse:latest';

/** What one real Synapse reads from its folder. */
export interface SynapseFiles {
  readonly serverName: string;
  /** Plain HTTP. */
  readonly port: number;
  /** Where it listens; 127.0.0.1 by default. */
  readonly bind?: string;
  /** Holds this Synapse's configuration, database and media; made if need be. */
  readonly folder: string;
  /** The authorities that it trusts instead of the system's, one PEM certificate each. */
  readonly trusted: readonly string[];
  /** How long it leaves a peer alone that failed: a second by default, `as-shipped` for ten minutes and more. */
  readonly backOff?: 'as-shipped';
}

/** What one real Synapse on the host's network needs to know. */
export interface SynapseOptions extends SynapseFiles {
  /** Names of the private federation and their addresses, as in /etc/hosts. */
  readonly hosts: Readonly<Record<string, string>>;
}

export interface Synapse {
  readonly serverName: string;
  readonly port: number;
  /** The last lines that it logged. */
  log(lines: number): Promise<string>;
  close(): Promise<void>;
}

/**
 * Why no Synapse can be started here, or undefined when one can. Synapse comes as the container image of its own
 * project, on the host's network, so that the private federation can live on loopback addresses.
 */
export async function whyNoSynapse(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'Synapse needs containers on the host network, which only Linux has';
  try {
    await run('docker', ['version'], { timeout: 20_000 });
  } catch {
    return 'Synapse needs a container engine: `docker version` fails';
  }
  try {
    await run('docker', ['image', 'inspect', IMAGE], { timeout: 20_000 });
  } catch {
    try {
      await run('docker', ['pull', '--quiet', IMAGE], { timeout: 280_000 });
    } catch {
      return `Synapse is not here: the image ${IMAGE} is neither present nor can it be pulled`;
    }
  }
  return undefined;
}

/** The configuration as an admin behind the sidecar writes it, and what a private federation on loopback needs. */
function writeHomeserverYaml(options: SynapseFiles): string {
  const raised = '{ per_second: 10000, burst_count: 10000 }';
  return `server_name: ${options.serverName}
public_baseurl: https://${options.serverName}/
listeners:
  - { port: ${options.port}, bind_addresses: [${options.bind ?? '127.0.0.1'}], type: http, tls: false, x_forwarded: true,
      resources: [{ names: [client, federation], compress: false }] }
database: { name: sqlite3, args: { database: /data/homeserver.db } }
log_config: /data/log.yaml
media_store_path: /data/media
signing_key_path: /data/signing.key
pid_file: /data/homeserver.pid
macaroon_secret_key: macaroon-of-a-test
form_secret: form-of-a-test
report_stats: false
enable_registration: true
enable_registration_without_verification: true
# The system's authorities are replaced by these; of each file only the first certificate is read.
federation_custom_ca_list: [${options.trusted.map((_, index) => `/data/trusted-${index}.pem`).join(', ')}]
# Loopback and private addresses are refused by default.
ip_range_blacklist: []
# No notary: keys come from their own servers, through their sidecars.
trusted_key_servers: []
suppress_key_server_warning: true
# Presence would end a long poll before its time.
presence: { enabled: false }
${options.backOff === 'as-shipped' ? '' : FORGIVING}rc_message: ${raised}
rc_registration: ${raised}
rc_login: { address: ${raised}, account: ${raised}, failed_attempts: ${raised} }
rc_joins: { local: ${raised}, remote: ${raised} }
rc_joins_per_room: ${raised}
rc_room_creation: ${raised}
`;
}

const FORGIVING = `# A peer that was not up yet is tried again at once, not in ten minutes.
federation: { destination_min_retry_interval: 1s, destination_max_retry_interval: 5s, destination_retry_multiplier: 1 }
`;

const LOG_YAML = `version: 1
formatters: { line: { format: '%(asctime)s %(levelname)s %(name)s %(request)s %(message)s' } }
handlers: { console: { class: logging.StreamHandler, formatter: line } }
root: { level: INFO, handlers: [console] }
loggers: { synapse.storage.SQL: { level: INFO } }
disable_existing_loggers: false
`;

async function waitUntilHealthy(port: number, log: (lines: number) => Promise<string>): Promise<void> {
  for (let attempt = 0; attempt < 240; attempt += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(250);
  }
  throw new Error(`Synapse on port ${port} did not come up within a minute:\n${await log(30)}`);
}

/** Writes everything that a new Synapse reads from its folder, a signing key of its own included. */
export function writeSynapseFiles(options: SynapseFiles): void {
  mkdirSync(options.folder, { recursive: true });
  writeFileSync(join(options.folder, 'homeserver.yaml'), writeHomeserverYaml(options));
  writeFileSync(join(options.folder, 'log.yaml'), LOG_YAML);
  for (const [index, pem] of options.trusted.entries()) {
    writeFileSync(join(options.folder, `trusted-${index}.pem`), pem);
  }
  const seed = randomBytes(32).toString('base64').replaceAll('=', '');
  writeFileSync(join(options.folder, 'signing.key'), `ed25519 a_test ${seed}\n`, { mode: 0o600 });
}

/** Starts a real Synapse and resolves when it answers. */
export async function startSynapse(options: SynapseOptions): Promise<Synapse> {
  writeSynapseFiles(options);
  // The folder is ours, so Synapse runs as us, not as the image's own user.
  const [uid, gid] = [String(process.getuid?.() ?? 0), String(process.getgid?.() ?? 0)];
  const common = ['--network', 'host', '--user', `${uid}:${gid}`, '--env', `UID=${uid}`, '--env', `GID=${gid}`];
  common.push('--volume', `${options.folder}:/data`);
  for (const [name, address] of Object.entries(options.hosts)) common.push('--add-host', `${name}:${address}`);
  const { stdout } = await run('docker', ['run', '--detach', ...common, IMAGE], { timeout: 120_000 });
  const id = stdout.trim();
  const log = async (lines: number): Promise<string> => {
    const output = await run('docker', ['logs', '--tail', String(lines), id], { maxBuffer: 64 * 1024 ** 2 });
    return output.stdout + output.stderr;
  };
  const close = async (): Promise<void> => {
    await run('docker', ['rm', '--force', '--volumes', id], { timeout: 60_000 }).catch(() => undefined);
  };
  try {
    await waitUntilHealthy(options.port, log);
  } catch (error) {
    await close();
    throw error;
  }
  return { serverName: options.serverName, port: options.port, log, close };
}
