import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { parseHostPort } from '../base/address.ts';
import { SidecarError } from '../base/errors.ts';
import type { Finding } from '../base/finding.ts';
import { stayAlive } from '../base/stay-alive.ts';
import { realSystem, type System } from '../base/system.ts';
import type { ConfigProblem } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import { type ConnectTo, parseConnectTo } from '../discovery/connect-to.ts';
import { renderHuman } from '../doctor/render-human.ts';
import { renderJson, renderTap } from '../doctor/render-machine.ts';
import { concludeRow, type Row, type RowResult } from '../doctor/row.ts';
import { runRows } from '../doctor/run-rows.ts';
import { summarize } from '../doctor/summarize.ts';
import { fail } from './certs/open-certificate-store.ts';
import { createPaint } from './demo/demo-text.ts';
import { describeDeployment } from './doctor/describe-deployment.ts';
import { type DoctorOptions, openDoctor } from './doctor/open-doctor.ts';
import type { CliIo } from './io.ts';
import { CONFIG_OPTION_HELP } from './read-config.ts';

interface WrittenOptions {
  readonly config?: string;
  readonly homeserverYaml?: readonly string[];
  readonly format: 'human' | 'json' | 'tap';
  readonly dns?: string;
  readonly connectTo?: readonly string[];
  readonly caFile?: string;
}

/** Milliseconds for one row that says nothing else, and for all of them. */
const DEADLINE = { row: 20_000, total: 180_000 };

/** Adds `doctor` to the program. */
export function addDoctorCommand(program: Command, io: CliIo, system: System = realSystem): void {
  const again = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];
  program
    .command('doctor')
    .description('Everything about this deployment, checked in order, each finding with its fix')
    .option('--config <file>', CONFIG_OPTION_HELP)
    .option('--homeserver-yaml <path>', "Synapse's configuration; repeat it for several files, as Synapse's -c", again)
    .addOption(new Option('--format <format>', 'how to print').choices(['human', 'json', 'tap']).default('human'))
    .option('--dns <host:port>', 'ask this DNS server, an address, instead of the one of this machine')
    .option('--connect-to <host1:port1:host2:port2>', 'connect to the second pair for the first, as in curl', again)
    .option('--ca-file <pem>', 'trust this authority as well (a private federation)')
    .action(async (written: WrittenOptions, command: Command) => {
      const options = readOptions(written, io, command);
      const letGo = stayAlive();
      try {
        await runDoctor(written, options, io, system);
      } catch (error) {
        if (!(error instanceof SidecarError)) throw error;
        fail(io, error.message, error.hint);
      } finally {
        letGo();
      }
    });
}

/** Throws commander's error for values that are none. */
function readOptions({ dns, connectTo = [], caFile }: WrittenOptions, io: CliIo, command: Command): DoctorOptions {
  const mappings = connectTo.map((text): ConnectTo => {
    const parsed = parseConnectTo(text);
    return parsed.ok ? parsed.value : command.error(`error: --connect-to ${parsed.why}`);
  });
  const server = dns === undefined ? undefined : parseHostPort(dns, 53);
  if (server?.ok === false) command.error(`error: --dns ${server.why}`);
  return {
    dns: server?.ok === true ? server.value : undefined,
    connectTo: mappings,
    caFile: caFile === undefined ? undefined : resolve(io.cwd, caFile),
  };
}

async function runDoctor(written: WrittenOptions, options: DoctorOptions, io: CliIo, system: System): Promise<void> {
  const loaded = loadConfig({ file: written.config, env: io.env, cwd: io.cwd });
  for (const notice of loaded.notices) io.stderr(`note: ${notice}\n`);
  if (!loaded.ok) return conclude([describeConfig(loaded.problems, 'it has errors'), UNCHECKED], written.format, io);
  const { config } = loaded;
  const deployment = describeDeployment(config, {
    homeserverYaml: (written.homeserverYaml ?? []).map((path) => resolve(io.cwd, path)),
    privateAuthority: options.caFile !== undefined,
  });
  const doctor = await openDoctor(config, deployment, options, { io, system });
  try {
    const from = config.file ?? 'the environment';
    const results = await runRows(
      { rows: doctor.rows, deadline: DEADLINE },
      { system, ...showProgress(doctor.rows, io) },
    );
    conclude([describeConfig([], from), ...results], written.format, io);
  } finally {
    await doctor.close();
  }
}

const CONFIG_ROW = { id: 'config', title: 'The configuration loads' };
const UNCHECKED: RowResult = concludeRow(
  { id: 'rest', title: 'Everything else is in order' },
  { seen: '', findings: [], notChecked: 'there is no configuration without errors' },
  0,
);

function describeConfig(problems: readonly ConfigProblem[], seen: string): RowResult {
  const findings = problems.map(
    ({ file, line, key, what, fix }): Finding => ({
      id: 'config-invalid',
      severity: 'error',
      what: `${key === '' ? file : key}: ${what}.`,
      ...splitFix(fix),
      place: { file, line },
    }),
  );
  return concludeRow(CONFIG_ROW, { seen, findings }, 0);
}

/** The first line as a sentence, and what is to be written below it as lines of their own. */
function splitFix(fix: string): Pick<Finding, 'fix' | 'lines'> {
  const [first = '', ...lines] = fix.trimEnd().split('\n');
  const sentence = /[.?!]$/.test(first) ? first : `${first.replace(/:$/, '')}.`;
  if (lines.length === 0) return { fix: sentence };
  const indent = Math.min(...lines.map((line) => line.search(/\S|$/)));
  return { fix: sentence, lines: lines.map((line) => line.slice(indent)) };
}

function conclude(results: readonly RowResult[], format: WrittenOptions['format'], io: CliIo): void {
  const summary = summarize(results);
  if (format === 'json') io.stdout(renderJson(results, summary));
  else if (format === 'tap') io.stdout(renderTap(results));
  else io.stdout(renderHuman(results, summary, createPaint(io.colour)));
  if (!summary.ok) io.exitCode = 1;
}

/** On a terminal, what is being looked at; it is wiped before the result is printed. */
function showProgress(rows: readonly Row[], io: CliIo) {
  if (!io.isTerminal) return {};
  const wipe = '\r\u001b[K';
  return {
    onBegin: (row: Row) => io.stderr(`${wipe}${rows.indexOf(row) + 1}/${rows.length} ${row.title.slice(0, 60)} ...`),
    onResult: () => io.stderr(wipe),
  };
}
