import { join } from 'node:path';
import { connect } from 'node:tls';
import { BOOTSTRAP_NAME } from '../../src/acme/bootstrap-certificate.ts';
import { completeYaml, startProcess, type TestProcess } from './process.ts';
import type { ScriptedCa } from './scripted-ca.ts';
import { completeRules, type Rules } from './scripted-rules.ts';
import { until } from './until.ts';

/** What an ACME process needs around it. */
export interface AcmeSurroundings {
  readonly ca: ScriptedCa;
  readonly caFile: string;
  /** host:port of a DNS server that knows the names. */
  readonly resolver: string;
}

/** The names of the certificate that `acmeYaml` leads to. */
export const ACME_NAMES = ['example.test', 'matrix.example.test'];

/** A configuration of one server with certificates by http-01, and ports of its own; `store` as YAML. */
export function acmeYaml({ ca, caFile, resolver }: AcmeSurroundings, store: string): string {
  return completeYaml(
    `servers: [{ server_name: example.test, homeserver: "http://127.0.0.1:9", delegate_to: "matrix.example.test:443" }]
certificates: acme
acme: { directory: "${ca.directoryUrl}", ca_file: "${caFile}", challenges: [http-01], resolvers: ["${resolver}"] }
store: ${JSON.stringify(store)}
`,
  );
}

export interface AcmePorts {
  readonly https: number;
  readonly http: number;
}

/** `serve` with certificates by ACME, in a process of its own. */
export interface AcmeProcess extends TestProcess {
  /** The ports, once they answer; undefined where it ended before. */
  readonly ports: Promise<AcmePorts | undefined>;
}

export interface AcmeProcessOptions {
  readonly folder: string;
  /** The configuration's file in the folder. */
  readonly file?: string;
  readonly through?: readonly string[];
  readonly env?: Record<string, string>;
}

/** Starts it, and does not wait. */
export function startAcmeProcess(options: AcmeProcessOptions): AcmeProcess {
  const { folder, file = 'sidecar.yaml', ...more } = options;
  const running = startProcess(['serve', '--config', join(folder, file)], { cwd: folder, ...more });
  return { ...running, ports: findPorts(running) };
}

async function findPorts({ log, exited }: TestProcess): Promise<AcmePorts | undefined> {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  const ready = () => log().find(({ msg }) => String(msg).startsWith('Ready'));
  // A machine that is busy takes its time.
  await until('Ready', () => ended || ready() !== undefined, 60_000);
  const { listeners } = (ready() ?? {}) as { listeners?: Record<string, string[]> };
  if (listeners === undefined) return undefined;
  const port = (name: string): number => Number(listeners[name]?.[0]?.split(':').at(-1));
  return { https: port('https'), http: port('http') };
}

/** What is shown to a client. The handshake has proved by then that its key is the one of the process. */
export interface ServedCertificate {
  readonly bootstrap: boolean;
  /** The leaf, DER. */
  readonly der: Buffer;
}

/** Rejects when no handshake comes about, within five seconds. */
export function lookAtServed(port: number, servername = 'example.test'): Promise<ServedCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      const leaf = socket.getPeerX509Certificate()!;
      resolve({ bootstrap: leaf.issuer.includes(BOOTSTRAP_NAME), der: leaf.raw });
      // Not torn off: that would be a refused connection in the log.
      socket.end();
    });
    socket.setTimeout(5_000, () => socket.destroy(new Error('no handshake within five seconds')));
    socket.on('error', reject);
  });
}

/** A way to validate http-01 at whoever runs at that moment: `where` gives its port, undefined while nobody does. */
export function validateWhere(where: () => Promise<number | undefined>): Rules['validate'] {
  const rules = completeRules({});
  return async (facts) => {
    rules.httpPort = await where();
    if (rules.httpPort === undefined) return { type: 'connection', detail: `${facts.name}: nobody is there` };
    return rules.validate(facts);
  };
}
