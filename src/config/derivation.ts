import { resolve } from 'node:path';
import { parseUpstream, type Upstream } from '../base/address.ts';
import type { Derivation, SourcePlace } from '../synapse/derive-server.ts';
import { deriveAuthentication, deriveHomeserver, deriveName, deriveWorkerMap } from '../synapse/derive-server.ts';
import type { HomeserverYaml } from '../synapse/homeserver-yaml.ts';
import { loadHomeserverYaml } from '../synapse/load-homeserver-yaml.ts';
import type { YamlProblem } from '../synapse/yaml-file.ts';
import type { ConfigProblem } from './config.ts';
import { type ConfigSource, holdsValue } from './config-source.ts';
import { formatKeyPath, type KeyPath } from './key-path.ts';
import { isMapping } from './reading.ts';
import type { ReadFile } from './secret-file.ts';

/** What was left out of the configuration and follows from Synapse's, all paths from the top. Plain JSON, no secrets. */
export type ConfigDerivation = Derivation;

export const NOTHING_DERIVED: ConfigDerivation = { derived: [], left: [] };

/** The sizes between which `limits.upload` may be. */
const UPLOAD = { least: 64 * 1024, most: 1024 ** 4 };

export interface DeriveDeps {
  readonly cwd: string;
  readonly readFile: ReadFile;
}

export interface DerivationReading {
  readonly derivation: ConfigDerivation;
  readonly problems: readonly ConfigProblem[];
  /** Keys, by name, of which nothing can be said because of the problems. */
  readonly unread: readonly string[];
}

/** Reads the configuration of the homeserver of each server that names it. What was written goes before what follows from it. */
export function deriveFromSynapse(source: ConfigSource, deps: DeriveDeps): DerivationReading {
  const servers = isMapping(source.value) ? source.value['servers'] : undefined;
  if (!Array.isArray(servers)) return { derivation: NOTHING_DERIVED, problems: [], unread: [] };
  const problems: ConfigProblem[] = [];
  const unread: string[] = [];
  const parts: Derivation[] = [];
  const yamls = servers.map((server: unknown, index): HomeserverYaml | undefined => {
    const paths = isMapping(server) ? listPaths(server['homeserver_yaml']) : [];
    if (!isMapping(server) || paths.length === 0) return undefined;
    const reading = loadHomeserverYaml(
      paths.map((path) => resolve(deps.cwd, path)),
      deps,
    );
    const grave = reading.problems.filter(({ key }) => reading.yaml === undefined || key !== undefined);
    problems.push(...grave.map((problem) => placeProblem(problem, ['servers', index, 'homeserver_yaml'])));
    if (grave.length > 0)
      unread.push(...['server_name', 'homeserver'].map((key) => formatKeyPath(['servers', index, key])));
    if (reading.yaml === undefined) return undefined;
    parts.push(...deriveServer(reading.yaml, server, ['servers', index]));
    return reading.yaml;
  });
  if (!holdsValue(source.value, ['limits', 'upload'])) parts.push(deriveUpload(yamls));
  const derivation = { derived: parts.flatMap(({ derived }) => derived), left: parts.flatMap(({ left }) => left) };
  return { derivation, problems, unread };
}

function deriveServer(yaml: HomeserverYaml, server: Record<string, unknown>, at: KeyPath): readonly Derivation[] {
  const isLeftOut = (key: string): boolean => server[key] === undefined || server[key] === null;
  const parts: Derivation[] = [];
  if (isLeftOut('server_name')) parts.push(deriveName(yaml));
  let homeserver = findFirst(server['homeserver']);
  if (isLeftOut('homeserver')) {
    const part = deriveHomeserver(yaml);
    homeserver = findFirst(part.derived[0]?.value);
    parts.push(part);
  }
  // Where nobody knows the main process, there is no telling about others.
  if (homeserver !== undefined) {
    if (isLeftOut('mas')) parts.push(deriveAuthentication(yaml, homeserver));
    if (isLeftOut('workers')) parts.push(deriveWorkerMap(yaml, homeserver));
  }
  return parts.map(({ derived, left }) => ({
    derived: derived.map((one) => ({ ...one, path: [...at, ...one.path] })),
    left: left.map((one) => ({ ...one, path: [...at, ...one.path] })),
  }));
}

/** One limit for all: the largest, and none where a homeserver's is not known. */
function deriveUpload(yamls: readonly (HomeserverYaml | undefined)[]): Derivation {
  const known = yamls.filter((yaml) => yaml !== undefined);
  const [first, ...others] = known;
  if (first === undefined || known.length < yamls.length) return NOTHING_DERIVED;
  const largest = others.reduce((most, yaml) => (yaml.maxUploadSize > most.maxUploadSize ? yaml : most), first);
  const bytes = Math.min(Math.max(largest.maxUploadSize, UPLOAD.least), UPLOAD.most);
  const place = { ...largest.place(['max_upload_size']), key: 'max_upload_size' };
  return { derived: [{ path: ['limits', 'upload'], value: `${bytes}`, places: [place] }], left: [] };
}

function listPaths(written: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(written) ? written : [written];
  return list.filter((path): path is string => typeof path === 'string' && path !== '');
}

function findFirst(written: unknown): Upstream | undefined {
  const first: unknown = Array.isArray(written) ? written[0] : written;
  const parsed = typeof first === 'string' ? parseUpstream(first) : undefined;
  return parsed?.ok === true ? parsed.value : undefined;
}

function placeProblem({ place, key, what, fix }: YamlProblem, path: KeyPath): ConfigProblem {
  return { file: place.file, line: place.line, column: undefined, key: key ?? formatKeyPath(path), what, fix };
}

/** `/synapse/homeserver.yaml:12 listeners` */
export function formatSourcePlace({ file, line, key }: SourcePlace): string {
  return `${file}${line === undefined ? '' : `:${line}`} ${key}`;
}
