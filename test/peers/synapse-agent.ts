import { spawn } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const IMAGE = process.env['SYNAPSE_IMAGE'] ?? 'matrixdotorg/synapse:latest';

/** Where Synapse's own federation client would connect. */
export interface SynapseSays {
  /** Host and port, in the order in which they are tried. */
  readonly places: readonly (readonly [string, number])[];
  /** The Host header; null when it did not come so far. */
  readonly host: string | null;
  readonly certificate: string | null;
  /** Seconds that the outcome of the well-known lookup is remembered; null without a lookup. */
  readonly remembers: number | null;
  /** The kind of error that ended it before any connection; null when there was none. */
  readonly failure: string | null;
}

/** The federation client of the Synapse in the image, waiting for server names. */
export interface SynapseAgent {
  ask(serverName: string): Promise<SynapseSays>;
  close(): Promise<void>;
}

/** `dns`: `address:port`. `folder` is lent to the container; what is written there stays. */
export async function startSynapseAgent(folder: string, dns: string, authority: string): Promise<SynapseAgent> {
  copyFileSync(join(import.meta.dirname, 'synapse-agent.py'), join(folder, 'synapse-agent.py'));
  writeFileSync(join(folder, 'authority.pem'), authority);
  const [address = '', port = ''] = dns.split(':');
  const how = [
    '--rm',
    '--interactive',
    '--network',
    'host',
    '--volume',
    `${folder}:/test:ro`,
    '--entrypoint',
    'python3',
  ];
  const child = spawn('docker', ['run', ...how, IMAGE, '/test/synapse-agent.py', address, port, '/test/authority.pem']);
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += String(chunk);
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async ask(serverName) {
      child.stdin.write(`${serverName}\n`);
      const line = await lines.next();
      const answer = line.done ? { error: complaints.slice(-2000) } : (JSON.parse(line.value) as SynapseSays);
      if ('error' in answer) throw new Error(`Synapse's client failed: ${answer.error}`);
      return answer;
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
