import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDnsClient } from '../../src/base/dns.ts';

/** A key that the name server knows. */
export interface UpdateKey {
  readonly name: string;
  readonly algorithm: 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';
  readonly secret: Buffer;
}

export interface NameServerOptions {
  /** Holds its configuration and zones; made if need be. */
  readonly folder: string;
  readonly port: number;
  readonly keys: readonly UpdateKey[];
  /**
   * Zones by name, each with its own records in the form of a zone file. Every key may change TXT records at and below
   * `_acme-challenge`, `_validation-persist`, `dynamic` and `wild` in them.
   */
  readonly zones: Readonly<Record<string, string>>;
  /** Whether it resolves as well, so that aliases from one zone to the other are followed. */
  readonly resolves?: boolean;
}

/** A BIND of the test's own, the primary server of some zones, on one port of 127.0.0.1. */
export interface NameServer {
  readonly address: string;
  /** What it logged so far. */
  log(): string;
  close(): Promise<void>;
}

function findNamed(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders
    .map((folder) => join(folder, 'named'))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Why no BIND can be started here, or undefined when one can. */
export function whyNoNameServer(): string | undefined {
  return findNamed() === undefined ? 'BIND is not here: no named on PATH (Debian: apt-get install bind9)' : undefined;
}

/** Starts it, and resolves when it answers. */
export async function startNameServer(options: NameServerOptions): Promise<NameServer> {
  const { folder, port, zones } = options;
  mkdirSync(folder, { recursive: true });
  for (const [name, records] of Object.entries(zones)) {
    const head = `$TTL 1\n@ IN SOA ns admin 1 3600 600 86400 1\n@ IN NS ns\nns IN A 127.0.0.1\n`;
    writeFileSync(join(folder, `${name}.zone`), `${head}${records}\n`);
  }
  writeFileSync(join(folder, 'named.conf'), configuration(options));
  const child = spawn(findNamed()!, ['-g', '-c', join(folder, 'named.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (chunk) => {
    text += String(chunk);
  });
  const server: NameServer = { address: `127.0.0.1:${port}`, log: () => text, close: () => stop(child) };
  const dns = createDnsClient({ servers: [server.address], timeout: 200 });
  for (let attempt = 0; attempt < 100; attempt++) {
    if (child.exitCode !== null) break;
    const soa = await dns.resolveSoa(Object.keys(zones)[0]!).catch(() => undefined);
    if (soa !== undefined) return server;
    await sleep(100);
  }
  await server.close();
  throw new Error(`BIND did not answer:\n${text}`);
}

function configuration({ folder, port, keys, zones, resolves = false }: NameServerOptions): string {
  const grants = (zone: string): string =>
    keys
      .flatMap(({ name }) =>
        ['_acme-challenge', '_validation-persist', 'dynamic', 'wild'].map(
          (label) => `grant ${name} subdomain ${label}.${zone}. TXT;`,
        ),
      )
      .join(' ');
  return [
    `options { directory "${folder}"; pid-file none; session-keyfile "${folder}/session.key"; recursion ${resolves ? 'yes' : 'no'};`,
    `  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; dnssec-validation no; };`,
    'controls { };',
    ...keys.map(
      ({ name, algorithm, secret }) =>
        `key "${name}" { algorithm ${algorithm}; secret "${secret.toString('base64')}"; };`,
    ),
    ...Object.keys(zones).map(
      (zone) => `zone "${zone}" { type primary; file "${zone}.zone"; update-policy { ${grants(zone)} }; };`,
    ),
  ].join('\n');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
