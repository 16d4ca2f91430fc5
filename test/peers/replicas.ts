import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { BOOTSTRAP_NAME } from '../../src/acme/bootstrap-certificate.ts';
import { LEDGER_KEY } from '../../src/acme/ledger-store.ts';
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';
import { type Exit, type ServeProcess, startProcess, startServe } from '../harness/process.ts';
import { type ScriptedCa, startScriptedCa } from '../harness/scripted-ca.ts';
import type { ScriptedIssuer } from '../harness/scripted-issuer.ts';
import type { PostgresServer } from './postgres-server.ts';

/** The name that all replicas serve. */
export const NAME = 'example.test';

export interface ReplicaWish {
  readonly challenges?: readonly string[];
  /** Where PostgreSQL is for this replica, when not where it is. */
  readonly port?: number;
}

/** Sidecars in processes of their own that share a store in PostgreSQL, with a CA and a DNS of their own. */
export interface Replicas {
  readonly ca: ScriptedCa;
  readonly store: string;
  start(name: string, wish?: ReplicaWish): Promise<ServeProcess>;
  /** Writes what a replica of this name would be started with, and gives the path. */
  writeConfig(name: string, wish?: ReplicaWish): string;
  /** A command of the program, as an operator who has that replica's configuration. */
  run(name: string, args: readonly string[]): Promise<Exit & { readonly output: string }>;
  /** A value of the store, or undefined. */
  read(key: string): Promise<Buffer | undefined>;
  /** What the ledger says of all orders. */
  orders(): Promise<readonly { readonly outcome?: unknown }[]>;
  close(): Promise<void>;
}

export async function createReplicas(
  server: PostgresServer,
  issuer: ScriptedIssuer,
  schema: string,
): Promise<Replicas> {
  const folder = mkdtempSync(join(tmpdir(), 'sidecar-replicas-'));
  const ca = await startScriptedCa({}, issuer);
  const dns: TestDnsServer = await startDnsServer((_name, type) => (type === 'A' ? [['A', '127.0.0.1']] : []));
  writeFileSync(join(folder, 'ca.pem'), ca.caPem);
  const running: ServeProcess[] = [];
  const storeAt = (port?: number): string => `${server.url(port === undefined ? {} : { port })}?schema=${schema}`;

  const yaml = ({ challenges = ['http-01'], port }: ReplicaWish): string => `
servers: [{ server_name: ${NAME}, homeserver: "http://127.0.0.1:9" }]
listen: { https: "127.0.0.1:0", federation: "127.0.0.1:0", http: "127.0.0.1:0", admin: "127.0.0.1:0" }
certificates: acme
acme: { directory: "${ca.directoryUrl}", ca_file: "${join(folder, 'ca.pem')}", challenges: [${challenges.join(', ')}], resolvers: ["${dns.address}"] }
store: "${storeAt(port)}"
`;
  async function read(key: string): Promise<Buffer | undefined> {
    const [row] = await server.sql(`SELECT value FROM ${schema}.matrix_sidecar_values WHERE key = '${key}'`);
    return row?.['value'] as Buffer | undefined;
  }

  function writeConfig(name: string, wish: ReplicaWish = {}): string {
    const path = join(folder, `${name}.yaml`);
    writeFileSync(path, yaml(wish));
    return path;
  }

  return {
    ca,
    store: storeAt(),
    async start(name, wish = {}) {
      const at = mkdtempSync(join(folder, `${name}-`));
      const replica = await startServe(yaml(wish), at);
      running.push(replica);
      return replica;
    },
    writeConfig,
    async run(name, args) {
      const started = startProcess([...args, '--config', writeConfig(name)], { cwd: folder });
      const exit = await started.exited;
      return { ...exit, output: started.stdout() + started.stderr() };
    },
    read,
    async orders() {
      const ledger = await read(LEDGER_KEY);
      return ledger === undefined ? [] : (JSON.parse(ledger.toString()) as { orders: object[] }).orders;
    },
    async close() {
      await Promise.all(running.map((replica) => replica.close()));
      await ca.close();
      await dns.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** SHA-256 of the certificate that a replica serves; undefined while it is the bootstrap one. */
export function servedBy({ https }: { readonly https: number }): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: https, servername: NAME, rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.end();
      const isBootstrap = certificate === undefined || certificate.issuer.includes(BOOTSTRAP_NAME);
      resolve(isBootstrap ? undefined : certificate.fingerprint256);
    });
    socket.once('error', reject);
  });
}

/** Whether this replica has begun an order so far. */
export function hasOrdered(replica: ServeProcess): boolean {
  return replica.log().some(({ msg }) => msg === 'Ordering a certificate.');
}
