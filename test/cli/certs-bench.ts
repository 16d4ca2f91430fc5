import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { nameSetId, normaliseName } from '../../src/acme/names.ts';
import { type StoredAri, writeCertificate } from '../../src/acme/stored-certificate.ts';
import type { System } from '../../src/base/system.ts';
import { addCertsCommand } from '../../src/cli/certs-command.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { createFileStore } from '../../src/store/files.ts';
import type { Store } from '../../src/store/store.ts';
import { DAY, type Made, makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';
import { createManualSystem } from '../tls/manual-system.ts';

/** The instant at which all of these commands run. */
export const NOW = Date.parse('2026-06-01T12:00:00Z');
export const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';
/** What the configuration of `SERVERS` needs. */
export const NAMES = ['example.com', 'matrix.example.com'];
export const SERVERS = `servers:
  - { server_name: example.com, homeserver: "http://synapse:8008", delegate_to: "matrix.example.com:443" }
`;

export interface Ran {
  readonly code: number;
  /** The temporary folder is written FOLDER in both. */
  readonly out: string;
  readonly err: string;
}

/** A folder with a configuration and a store in it, and a way to run `certs` there. */
export interface Bench {
  readonly folder: string;
  readonly store: Store;
  /** Runs `certs ARGUMENTS` as main would, with `sidecar.yaml`. */
  run(args: readonly string[], more?: { terminal?: boolean; colour?: boolean; system?: System }): Promise<Ran>;
  configure(yaml: string): void;
  /** Writes a file below the folder and gives its path. */
  write(path: string, content: string | Uint8Array): string;
  /** Puts a certificate into the store as the keeper would. */
  keep(made: Made, names?: readonly string[], more?: { ari?: StoredAri; directory?: string }): Promise<void>;
  close(): void;
}

export function openBench(): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'certs-command-'));
  const store = createFileStore(join(folder, 'certs'));
  const write = (path: string, content: string | Uint8Array): string => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    return join(folder, path);
  };
  const bench: Bench = {
    folder,
    store,
    write,
    configure: (yaml) => void write('sidecar.yaml', yaml),
    async keep(made, names = NAMES, more = {}) {
      await writeCertificate(store, nameSetId(names), {
        names: names.map(normaliseName),
        directory: more.directory ?? LETS_ENCRYPT,
        chainPem: made.certPem + root.certPem,
        keyPem: made.keyPem,
        issuedAt: NOW,
        ari: more.ari,
      });
    },
    async run(args, { terminal = false, colour = false, system = createManualSystem(NOW) } = {}) {
      let [out, err] = ['', ''];
      const io: CliIo = {
        ...{ env: {}, cwd: folder, isTerminal: terminal, colour, exitCode: 0 },
        stdout(text) {
          out += text;
        },
        stderr(text) {
          err += text;
        },
      };
      const program = new Command('matrix-sidecar');
      addCertsCommand(program, io, system);
      try {
        await program.parseAsync(['certs', ...args, '--config', 'sidecar.yaml'], { from: 'user' });
      } catch (error) {
        if (!(error instanceof CommanderError)) throw error;
        io.exitCode = error.exitCode === 0 ? 0 : 2;
      }
      const hide = (text: string): string => text.replaceAll(folder, 'FOLDER');
      return { code: io.exitCode, out: hide(out), err: hide(err) };
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
  bench.configure(SERVERS);
  return bench;
}

export const root = makeCertificate({ commonName: 'Root of the tests', ca: true });

/** A certificate by `root` that is good for as many more days of its 90. */
export function certificateFor(names: readonly string[], daysLeft: number): Made {
  return makeEcCertificate(names, root, 'P-256', {
    notBefore: NOW - (90 - daysLeft) * DAY,
    notAfter: NOW + daysLeft * DAY,
  });
}

/** Where the transcript of this name is kept. */
export function transcript(name: string): string {
  return join(import.meta.dirname, '..', 'golden', 'certs', `${name}.txt`);
}

/** What a person saw. */
export function asTranscript(command: string, { code, out, err }: Ran): string {
  const errors = err === '' ? '' : `--- stderr\n${err}`;
  return `$ matrix-sidecar certs ${command}\n${out}${errors}--- exit ${code}\n`;
}
