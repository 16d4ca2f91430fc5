import { resolve } from 'node:path';
import { checkAcme } from './acme-rules.ts';
import { buildConfig } from './build-config.ts';
import { checkCertificates } from './certificate-rules.ts';
import type { Config, ConfigProblem } from './config.ts';
import { readConfigFile } from './config-file.ts';
import { type ConfigSource, type Finding, placeFinding, type Report } from './config-source.ts';
import { type ConfigDerivation, type DerivationReading, deriveFromSynapse, NOTHING_DERIVED } from './derivation.ts';
import { createEnvironmentSource } from './environment-source.ts';
import { checkListeners } from './listen-rules.ts';
import { noticeIgnored, noticeLeft, noticeUnwise } from './notices.ts';
import { overlayDerivation } from './overlay-derivation.ts';
import { readFileUpTo } from './read-file.ts';
import { readSection } from './read-section.ts';
import type { Reading } from './reading.ts';
import { checkRtcHosts } from './rtc-rules.ts';
import { type ReadFile, readSecretFile } from './secret-file.ts';
import { checkServers } from './server-rules.ts';
import { configTable, type SoundConfig } from './table.ts';
import { type Environment, listVariables, readVariables, type VariableReading } from './variables.ts';
import { readYaml } from './yaml-source.ts';

export interface LoadInput {
  /** From --config; must exist. Without it DEFAULT_CONFIG_FILE is used if it exists, else the environment. */
  readonly file?: string | undefined;
  readonly env: Environment;
  /** Relative paths, in the arguments as in the file, start here. */
  readonly cwd: string;
  readonly readFile?: ReadFile;
  /** Reads Synapse's configuration, of which nothing is to be kept; as `readFile` when left out. */
  readonly readSynapse?: ReadFile;
  /** What followed from Synapse's configuration before: it is then not read again. */
  readonly derivation?: ConfigDerivation | undefined;
}

/** The whole configuration, or everything that is wrong with it. Notices are sentences that an operator should see. */
export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly notices: readonly string[];
      readonly derivation: ConfigDerivation;
      /** Gives its place to something that was found only later, by looking at what the configuration names. */
      readonly locate: (finding: Finding) => ConfigProblem;
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly notices: readonly string[] };

/** Where a configuration is looked for when none is named. */
export const DEFAULT_CONFIG_FILE = 'config/sidecar.yaml';

/** Reads the configuration. Never throws for anything that a file or variable can hold. */
export function loadConfig(input: LoadInput): LoadedConfig {
  const readFile = input.readFile ?? readFileUpTo;
  const name = input.file ?? DEFAULT_CONFIG_FILE;
  const reading = readConfigFile(resolve(input.cwd, name), name, readFile);
  if (reading.kind === 'problem') return { ok: false, problems: [reading.problem], notices: [] };
  if (reading.kind === 'text') return loadFile(reading.text, name, { ...input, readFile });
  if (input.file === undefined) return loadEnvironment({ ...input, readFile });
  const what = 'there is no such file';
  const fix = `Check the path (relative paths start in ${input.cwd}), or begin with a copy of config/sidecar.sample.yaml`;
  return {
    ok: false,
    problems: [{ file: name, line: undefined, column: undefined, key: '', what, fix }],
    notices: [],
  };
}

type Input = LoadInput & { readonly readFile: ReadFile };

function loadFile(text: string, name: string, input: Input): LoadedConfig {
  // The one variable that counts beside a file: to look closer without touching the file.
  const level = listVariables().filter((variable) => variable.name === 'LOG_LEVEL');
  const variables = readVariables(level, input.env, (path) => resolve(input.cwd, path), input.readFile);
  const environment = createEnvironmentSource(level, variables);
  const problems = fileProblems(variables);
  const report = (finding: Finding) => void problems.push(placeFinding(environment, finding));
  const logTable = configTable.keys.log;
  const logValue = (environment.value as { log?: unknown }).log;
  const log = readSection(startReading(environment, report, input), logTable, logValue, ['log']);
  const yaml = readYaml(text, name);
  const logLevel = environment.has(['log', 'level']) ? log?.level : undefined;
  if (yaml.source === undefined) return { ok: false, problems: [...yaml.problems, ...problems], notices: [] };
  const synapse = deriveOnce(yaml.source, input);
  const source = overlayDerivation(yaml.source, synapse.derivation);
  const earlier = [...yaml.problems, ...problems];
  return finish(source, earlier, { file: name, logLevel, input, synapse });
}

function deriveOnce(source: ConfigSource, { derivation, cwd, readFile, readSynapse }: Input): DerivationReading {
  if (derivation !== undefined) return { derivation, problems: [], unread: [] };
  return deriveFromSynapse(source, { cwd, readFile: readSynapse ?? readFile });
}

function loadEnvironment(input: Input): LoadedConfig {
  const variables = listVariables();
  const values = readVariables(variables, input.env, (path) => resolve(input.cwd, path), input.readFile);
  const problems = fileProblems(values);
  const started = values.values.has('SERVER_NAME') || values.values.has('HOMESERVER');
  if (!started && problems.length === 0) return { ok: false, problems: [nothingAtAll()], notices: [] };
  const source = createEnvironmentSource(variables, values);
  const synapse = { derivation: NOTHING_DERIVED, problems: [], unread: [] };
  return finish(source, problems, { file: undefined, logLevel: undefined, input, synapse });
}

function startReading(source: ConfigSource, report: Report, { cwd, readFile }: Input): Reading {
  return { source, report, whole: configTable, readSecret: (path) => readSecretFile(resolve(cwd, path), readFile) };
}

function nothingAtAll(): ConfigProblem {
  const what = `there is no configuration: ${DEFAULT_CONFIG_FILE} does not exist, and SERVER_NAME is not set`;
  const fix = `Set these two variables:
    SERVER_NAME=example.com
    HOMESERVER=http://synapse:8008
  or copy config/sidecar.sample.yaml to ${DEFAULT_CONFIG_FILE} and edit it.`;
  return { file: 'environment', line: undefined, column: undefined, key: '', what, fix };
}

function fileProblems(reading: VariableReading): ConfigProblem[] {
  return reading.problems.map((problem) => {
    return { file: 'environment', line: undefined, column: undefined, ...problem };
  });
}

interface FinishInput {
  readonly file: string | undefined;
  readonly logLevel: Config['log']['level'] | undefined;
  readonly input: Input;
  readonly synapse: DerivationReading;
}

function finish(source: ConfigSource, earlier: readonly ConfigProblem[], more: FinishInput): LoadedConfig {
  const { cwd, env } = more.input;
  const { derivation } = more.synapse;
  const found: Finding[] = [];
  const report = (finding: Finding) => void found.push(finding);
  const draft = readSection(startReading(source, report, more.input), configTable, source.value, []);
  if (draft !== undefined) {
    const rules = { draft, source, report };
    checkServers(rules);
    checkRtcHosts(rules);
    checkListeners(rules);
    checkCertificates(rules);
    checkAcme(rules);
  }
  // What could not even be read (a variable's file, an alias to nothing) is not missing as well.
  const unread = new Set([...earlier.map(({ key }) => key.replace(/_FILE$/, '')), ...more.synapse.unread]);
  const later = found.map((finding) => placeFinding(source, finding)).filter(({ key }) => !unread.has(key));
  const problems = [...more.synapse.problems, ...sortProblems([...earlier, ...later])];
  const notices = noticeIgnored(more.file, env);
  if (problems.length > 0 || draft === undefined) return { ok: false, problems, notices };
  // Nothing was reported, so every key that is required or has a default has its value.
  const sound = draft as SoundConfig;
  const config = buildConfig(sound, { file: more.file, cwd, logLevel: more.logLevel });
  const locate = (finding: Finding) => placeFinding(source, finding);
  const said = [...notices, ...noticeUnwise(config), ...noticeLeft(derivation)];
  return { ok: true, config, notices: said, derivation, locate };
}

/** In the order of the file; what has no line comes last. */
function sortProblems(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const line = (problem: ConfigProblem) => problem.line ?? Number.MAX_SAFE_INTEGER;
  return problems.toSorted((a, b) => line(a) - line(b) || (a.column ?? 0) - (b.column ?? 0));
}
