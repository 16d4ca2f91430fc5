import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findFreePorts } from '../harness/free-ports.ts';
import { createTestAuthority } from './authority.ts';

const run = promisify(execFile);
const IMAGE = process.env['PEBBLE_IMAGE'] ?? 'ghcr.io/letsencrypt/pebble:latest';

/** What one Pebble needs to know. */
export interface PebbleOptions {
  /** Holds its configuration and its TLS certificate; made if need be. */
  readonly folder: string;
  /** On these ports of the names' addresses it looks for http-01 and tls-alpn-01. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Names that exist nowhere but in its hosts file, and their addresses. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Percentage of good nonces that it refuses. */
  readonly nonceReject: number;
  /** Makes accounts only with one of these: key id to HMAC key, base64url. */
  readonly macKeys?: Readonly<Record<string, string>>;
  /** A name server for everything, `address:port`, instead of the machine's own. */
  readonly dnsServer?: string;
}

export interface Pebble {
  readonly directoryUrl: string;
  /** The root to trust for the directory. */
  readonly caPem: string;
  /** The root that it issues under; a new one at each start. */
  readonly rootPem: string;
  /** The last lines that it logged. */
  log(lines: number): Promise<string>;
  close(): Promise<void>;
}

/**
 * Why no Pebble can be started here, or undefined when one can. It comes as the container image of its own project, on the
 * host's network, so that it can look for challenges on loopback addresses.
 */
export async function whyNoPebble(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'Pebble needs containers on the host network, which only Linux has';
  try {
    await run('docker', ['version'], { timeout: 20_000 });
  } catch {
    return 'Pebble needs a container engine: `docker version` fails';
  }
  try {
    await run('docker', ['image', 'inspect', IMAGE], { timeout: 20_000 });
  } catch {
    try {
      await run('docker', ['pull', '--quiet', IMAGE], { timeout: 280_000 });
    } catch {
      return `Pebble is not here: the image ${IMAGE} is neither present nor can it be pulled`;
    }
  }
  return undefined;
}

/** Starts a real Pebble and resolves when it answers. */
export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  mkdirSync(options.folder, { recursive: true });
  const authority = createTestAuthority('Test authority of Pebble');
  authority.issue(options.folder, 'localhost', ['localhost']);
  const [port, management] = await findFreePorts(2);
  const config = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: '/pebble/localhost.pem',
    privateKey: '/pebble/localhost.key',
    httpPort: options.httpPort,
    tlsPort: options.tlsPort,
    ocspResponderURL: '',
    externalAccountBindingRequired: options.macKeys !== undefined,
    externalAccountMACKeys: options.macKeys ?? {},
    domainBlocklist: ['blocked.test'],
    retryAfter: { authz: 1, order: 1 },
    keyAlgorithm: 'ecdsa',
    profiles: {
      default: { description: '90 days', validityPeriod: 7_776_000 },
      shortlived: { description: '6 days', validityPeriod: 518_400 },
    },
  };
  writeFileSync(join(options.folder, 'config.json'), JSON.stringify({ pebble: config }));
  const args = ['run', '--detach', '--network', 'host', '--volume', `${options.folder}:/pebble`];
  // The key is readable for us alone, so Pebble runs as us.
  args.push('--user', `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`);
  for (const [name, address] of Object.entries(options.hosts)) args.push('--add-host', `${name}:${address}`);
  const settings = { WFE_NONCEREJECT: options.nonceReject, VA_NOSLEEP: 1, AUTHZREUSE: 0 };
  for (const [name, value] of Object.entries(settings)) args.push('--env', `PEBBLE_${name}=${value}`);
  const dns = options.dnsServer === undefined ? [] : ['-dnsserver', options.dnsServer];
  const { stdout } = await run('docker', [...args, IMAGE, '-config', '/pebble/config.json', ...dns], {
    timeout: 120_000,
  });
  const id = stdout.trim();
  const log = async (lines: number): Promise<string> => {
    const output = await run('docker', ['logs', '--tail', String(lines), id], { maxBuffer: 64 * 1024 ** 2 });
    return output.stdout + output.stderr;
  };
  const close = async (): Promise<void> => {
    await run('docker', ['rm', '--force', '--volumes', id], { timeout: 60_000 }).catch(() => undefined);
  };
  try {
    const rootPem = await untilAnswered(`https://localhost:${management}/roots/0`, authority.pem, log);
    return { directoryUrl: `https://localhost:${port}/dir`, caPem: authority.pem, rootPem, log, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function untilAnswered(url: string, ca: string, log: (lines: number) => Promise<string>): Promise<string> {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    const answer = await get(url, ca).catch(() => undefined);
    if (answer !== undefined) return answer;
    await sleep(250);
  }
  throw new Error(`Pebble did not answer at ${url} within half a minute:\n${await log(30)}`);
}

function get(url: string, ca: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => resolve(answer.statusCode === 200 ? text : undefined));
    });
    asked.on('error', reject);
    asked.end();
  });
}
