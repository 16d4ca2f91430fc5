import { connect } from 'node:tls';
import type { Endpoint } from '../peers/https-client.ts';
import { type ComposeProject, type ComposeSetup, createComposeProject } from './compose.ts';

/** The demo of deploy/demo, in a network and with an image of its own. */
const DEMO_SETUP: ComposeSetup = { files: ['deploy/demo/compose.yaml'], image: 'matrix-sidecar-demo-under-test' };
const SUBNET = '10.213.54';
const VARIABLES = { SIDECAR_IMAGE: DEMO_SETUP.image, DEMO_SUBNET: SUBNET };
/** Of the demo's own DNS, inside its network. */
export const DNS_ADDRESS = `${SUBNET}.250`;

export const SERVERS = ['one', 'two', 'three'] as const;
export type ServerOfDemo = (typeof SERVERS)[number];

/** Where each of them is published, and by which name its clients ask for it. */
const CLIENTS: Readonly<Record<ServerOfDemo, readonly [name: string, port: number]>> = {
  one: ['one.test', 20_443],
  two: ['matrix.two.test', 21_443],
  three: ['matrix.three.test', 22_443],
};

export interface Demo {
  readonly project: ComposeProject;
  /** PEM, as Pebble issues under it. */
  readonly root: string;
  readonly clients: Readonly<Record<ServerOfDemo, Endpoint>>;
  /** How many certificates Pebble has issued. */
  countIssued(): Promise<number>;
  /** Who of the others has that server in back-off, by what their databases say. */
  listBackOff(destination: string): Promise<string[]>;
  /** One query to a database of the demo; lines of what it answers. */
  query(database: string, sql: string): Promise<string[]>;
}

/** The demo as it can be started under this name; nothing runs yet. */
export function createDemoProject(name: string): ComposeProject {
  return createComposeProject(name, DEMO_SETUP, VARIABLES);
}

/** Builds the image and starts everything; resolves when all of it is ready. */
export async function startDemo(project: ComposeProject): Promise<Demo> {
  await project.compose('build', '--quiet');
  await project.compose('up', '--detach', '--wait', '--wait-timeout', '300');
  const root = await project.compose('exec', '--no-TTY', 'synapse-one', 'cat', '/trust/root.pem');
  const clientsOf = (server: ServerOfDemo): Endpoint => {
    const [name, port] = CLIENTS[server];
    return { address: '127.0.0.1', port, name, ca: [root] };
  };
  const query = async (database: string, sql: string): Promise<string[]> => {
    const psql = ['psql', '--username', 'demo', '--dbname', database, '--no-align', '--tuples-only', '--command', sql];
    const answer = await project.compose('exec', '--no-TTY', 'postgres', ...psql);
    return answer.split('\n').filter((line) => line !== '');
  };
  return {
    project,
    root,
    clients: { one: clientsOf('one'), two: clientsOf('two'), three: clientsOf('three') },
    async countIssued() {
      const log = await project.compose('logs', '--no-color', 'pebble');
      return log.split('\n').filter((line) => line.includes('Issued certificate serial')).length;
    },
    async listBackOff(destination) {
      const sql = `SELECT destination FROM destinations WHERE destination = '${destination}' AND (failure_ts > 0 OR retry_interval > 0)`;
      const found = await Promise.all(
        SERVERS.map(async (server) => ((await query(`synapse_${server}`, sql)).length > 0 ? [server] : [])),
      );
      return found.flat();
    },
    query,
  };
}

/** The certificate that is served for `name` at this port of 127.0.0.1, verified with that root. */
export function readCertificate(
  port: number,
  name: string,
  root: string,
): Promise<{ readonly serial: string; readonly issuer: string; readonly names: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername: name, ca: [root], timeout: 10_000 }, () => {
      const { serialNumber, issuer, subjectaltname } = socket.getPeerCertificate();
      socket.end();
      resolve({ serial: serialNumber, issuer: String(issuer.CN), names: subjectaltname ?? '' });
    });
    socket.on('error', reject);
    socket.on('timeout', () => socket.destroy(new Error(`no handshake for ${name} at port ${port} within 10 s`)));
  });
}
