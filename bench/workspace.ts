import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchError } from './bench-error.ts';

/** The name that everything is asked for; it leads nowhere in DNS. */
export const SERVER_NAME = 'bench.test';

/** A file of the bench: where we see it, and where a program of the toolbox does. */
export interface BenchFile {
  readonly here: string;
  readonly inside: string;
}

/** A folder for one run of the bench. */
export interface Workspace {
  /** The certificate, which every proxy has. */
  readonly certificate: {
    readonly cert: BenchFile;
    readonly key: BenchFile;
    readonly both: BenchFile;
    readonly pem: string;
  };
  /** A place for a file or a folder, which need not exist. */
  place(name: string): BenchFile;
  /** Writes a file. */
  write(name: string, text: string): BenchFile;
  /** A file of so many bytes, all zero; made once. It takes no room on the disk. */
  zeros(bytes: number): BenchFile;
  remove(): void;
}

/** Makes the folder below `root`, the other root folder that programs live in, if there is one. */
export function createWorkspace(root: string | undefined): Workspace {
  const folder = mkdtempSync(join(root === undefined ? tmpdir() : join(root, 'tmp'), 'sidecar-bench-'));
  const place = (name: string): BenchFile => {
    const here = join(folder, name);
    return { here, inside: root === undefined ? here : here.slice(root.length) };
  };
  const write = (name: string, text: string): BenchFile => {
    const file = place(name);
    mkdirSync(join(file.here, '..'), { recursive: true });
    writeFileSync(file.here, text, { mode: 0o600 });
    return file;
  };
  const made = new Map<number, BenchFile>();
  return {
    certificate: makeCertificate(place, write),
    place,
    write,
    zeros(bytes) {
      const file = made.get(bytes) ?? write(`zeros-${bytes}`, '');
      if (!made.has(bytes)) truncateSync(file.here, bytes);
      made.set(bytes, file);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** ECDSA P-256, signed by itself: what ACME clients get today, but for the chain. */
function makeCertificate(place: Workspace['place'], write: Workspace['write']): Workspace['certificate'] {
  // In a folder of its own: who watches it for new certificates is not to be woken by the logs of the load.
  mkdirSync(place('certificate').here);
  const [cert, key] = [place('certificate/cert.pem'), place('certificate/key.pem')];
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '30',
    '-sha256',
  ];
  args.push('-subj', `/CN=${SERVER_NAME}`, '-addext', `subjectAltName=DNS:${SERVER_NAME}`);
  const made = spawnSync('openssl', [...args, '-keyout', key.here, '-out', cert.here], { encoding: 'utf8' });
  if (made.status !== 0) {
    throw new BenchError(
      `openssl made no certificate (Debian: apt-get install openssl): ${made.error?.message ?? made.stderr}`,
    );
  }
  const pem = readFileSync(cert.here, 'utf8');
  return { cert, key, both: write('certificate/both.pem', pem + readFileSync(key.here, 'utf8')), pem };
}
