import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sidecar, startSidecar } from '../../src/app/sidecar.ts';
import type { Log } from '../../src/base/log.ts';
import { realSystem, type System } from '../../src/base/system.ts';
import type { Config } from '../../src/config/config.ts';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import { loadConfig } from '../../src/config/load-config.ts';

/** A sidecar on free ports with certificates of its development CA, as `serve` would start it. */
export interface TestSidecar {
  readonly sidecar: Sidecar;
  readonly config: Config;
  readonly folder: string;
  /** The development CA, PEM. */
  readonly ca: string;
  readonly https: number;
  readonly federation: number;
  readonly http: number;
  readonly admin: number;
  /** Every line logged so far: level, fields and sentence. */
  readonly logged: readonly LoggedLine[];
  reload(yaml: string): Promise<void>;
  /** As `reload` would read it. */
  read(yaml: string): Promise<Config>;
  close(): Promise<void>;
}

export interface LoggedLine {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly sentence: string;
}

const LISTEN = 'listen: { https: "127.0.0.1:0", federation: "127.0.0.1:0", http: "127.0.0.1:0", admin: "127.0.0.1:0" }';

/** `yaml` is the configuration but for `listen`, `store` and `certificates`, which can be given all the same. */
export async function startTestSidecar(
  yaml: string,
  options: { readonly folder?: string; readonly system?: System } = {},
): Promise<TestSidecar> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'sidecar-')));
  const logged: LoggedLine[] = [];
  const config = await readTestConfig(yaml, folder);
  const sidecar = await startSidecar(config, { system: options.system ?? realSystem, log: createMemoryLog(logged) });
  const port = (listener: 'https' | 'federation' | 'http' | 'admin'): number =>
    sidecar.addresses()[listener][0]?.port ?? 0;
  return {
    sidecar,
    config,
    folder,
    ca: config.certificates === 'local' ? await readFile(join(folder, 'certs', CA_FILE), 'utf8') : '',
    https: port('https'),
    federation: port('federation'),
    http: port('http'),
    admin: port('admin'),
    logged,
    reload: async (next) => sidecar.reload(await readTestConfig(next, folder)),
    read: (next) => readTestConfig(next, folder),
    async close() {
      await sidecar.close();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Where the development CA keeps its certificate, in the store. */
export const CA_FILE = 'development-ca/root.pem';

async function readTestConfig(yaml: string, folder: string): Promise<Config> {
  const defaults = [
    ['listen:', LISTEN],
    ['store:', `store: ${JSON.stringify(join(folder, 'certs'))}`],
    ['certificates:', 'certificates: local'],
  ] as const;
  const added = defaults.filter(([key]) => !yaml.includes(`\n${key}`) && !yaml.startsWith(key)).map(([, line]) => line);
  const file = join(folder, 'sidecar.yaml');
  await writeFile(file, `${added.join('\n')}\n${yaml}`);
  const loaded = loadConfig({ file, env: {}, cwd: folder });
  if (!loaded.ok) throw new Error(formatConfigProblems(loaded.problems));
  return loaded.config;
}

function createMemoryLog(lines: LoggedLine[]): Log {
  const at =
    (level: string) =>
    (fields: object, sentence: string): void => {
      lines.push({ level, fields: fields as Record<string, unknown>, sentence });
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
