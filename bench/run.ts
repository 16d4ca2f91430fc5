// npm run bench: the sidecar, nginx, HAProxy and Caddy measured side by side. See `--help`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { BenchError } from './bench-error.ts';
import { createBench } from './create-bench.ts';
import { chooseExperiments } from './experiments/catalogue.ts';
import { judgeGuard } from './guard.ts';
import { GUARD_LIMITS } from './guard-limits.ts';
import { describeMachine, readOpenFiles, takePlaces } from './machine.ts';
import { measureAll } from './measure.ts';
import { type BenchOptions, readOptions, USAGE } from './options.ts';
import { type ContenderName, type PeerName, TITLES } from './peers/peer.ts';
import { createProcesses, type Processes } from './processes.ts';
import { renderProfiles } from './profile.ts';
import { renderChart } from './render-chart.ts';
import { renderReadme, replaceBetweenMarks } from './render-readme.ts';
import { renderTable, renderVerdict } from './render-table.ts';
import type { BenchResult } from './result.ts';
import { createToolbox, findOtherRoot, PACKAGES, readVersion, type Toolbox, versionArgs } from './toolbox.ts';
import { createWorkspace, type Workspace } from './workspace.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** What no run can do without: nginx is the upstream as well. */
const ALWAYS = ['nginx', 'h2load'] as const;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

/** Runs the bench; resolves with the exit code. */
async function run(options: BenchOptions): Promise<number> {
  if (options.mode === 'readme') {
    writeReadme();
    return 0;
  }
  const rows = options.mode === 'guard' ? Object.keys(GUARD_LIMITS) : options.rows;
  const startedAt = Date.now();
  const machine = describeMachine();
  if (options.build) build();
  const root = findOtherRoot(process.env, ROOT);
  const toolbox = createToolbox(process.env, root);
  const placement = takePlaces();
  const processes = createProcesses();
  const workspace = createWorkspace(root);
  const release = cleanUpOnSignals(processes, workspace);
  try {
    refuseMissing(toolbox, options.peers);
    const versions = await readVersions(toolbox, processes, options.peers);
    tell(
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    );
    tell(
      `The proxy on processor ${placement.proxy}, all else on ${placement.others}; load ${machine.load.toFixed(1)}.`,
    );
    const openFiles = readOpenFiles();
    const slice = { ...options, placement, openFiles, versions: versions as Record<PeerName, string> };
    const bench = createBench(
      {
        ...slice,
        main: join(ROOT, 'dist/main.js'),
        beside: options.beside === undefined ? undefined : resolve(options.beside),
        nodeOptions: [...options.nodeOptions, ...profileOptions(options)],
        scriptedUpstream: join(import.meta.dirname, 'scripted-upstream.ts'),
      },
      { processes, toolbox, workspace },
    );
    const contenders: ContenderName[] = [
      'sidecar',
      ...(options.beside === undefined ? [] : (['before'] as const)),
      ...options.peers,
    ];
    const plan = { experiments: chooseExperiments(rows), contenders, rounds: options.rounds, openFiles };
    const measured = await measureAll(bench, plan, tell);
    const date = new Date().toISOString();
    return report({ format: 1, date, machine, versions, rounds: options.rounds, ...measured }, options);
  } finally {
    release();
    await processes.close();
    workspace.remove();
    if (options.profile !== undefined) say(renderProfiles(options.profile, ROOT, startedAt));
  }
}

/** Prints the result, writes it, and says how the bench ends. */
function report(result: BenchResult, options: BenchOptions): number {
  say(renderTable(result));
  mkdirSync(dirname(resolve(options.json)), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(result, null, 1)}\n`);
  tell(`Written to ${options.json}.`);
  for (const { row, why } of result.skipped) say(`${row} was skipped: ${why}`);
  for (const failure of result.failures) say(`FAILED ${failure}`);
  if (options.mode === 'guard') {
    const { ok, lines } = judgeGuard(result, GUARD_LIMITS);
    say(lines.join('\n'));
    return ok ? 0 : 1;
  }
  say(renderVerdict(result));
  return result.failures.length === 0 ? 0 : 1;
}

function build(): void {
  const built = spawnSync(process.execPath, [join(ROOT, 'scripts/build.mjs')], { cwd: ROOT, encoding: 'utf8' });
  if (built.status !== 0 || !existsSync(join(ROOT, 'dist/main.js'))) {
    throw new BenchError(`The build failed; --no-build takes dist/ as it is.\n${built.stdout}${built.stderr}`);
  }
}

function writeReadme(): void {
  const file = join(ROOT, 'bench/results.json');
  if (!existsSync(file))
    throw new BenchError('There is no bench/results.json: npm run bench -- --json bench/results.json');
  const result = JSON.parse(readFileSync(file, 'utf8')) as BenchResult;
  const readme = join(ROOT, 'README.md');
  writeFileSync(readme, replaceBetweenMarks(readFileSync(readme, 'utf8'), renderReadme(result)));
  writeFileSync(join(ROOT, 'docs/bench.svg'), renderChart(result));
}

/** Names everything that is missing at once. */
function refuseMissing(toolbox: Toolbox, peers: readonly PeerName[]): void {
  const missing = [...new Set([...peers, ...ALWAYS])].filter((tool) => !toolbox.has(tool));
  if (missing.length === 0) return;
  const packages = missing.map((tool) => PACKAGES[tool]).join(' ');
  const without = missing.some((tool) => ALWAYS.some((one) => one === tool)) ? '' : ' (or leave them out with --peers)';
  throw new BenchError(`Not found on PATH: ${missing.join(', ')}. Debian: apt-get install ${packages}${without}`);
}

async function readVersions(
  toolbox: Toolbox,
  processes: Processes,
  peers: readonly PeerName[],
): Promise<Record<string, string>> {
  const versions: Record<string, string> = { [TITLES.sidecar]: `on Node.js ${process.versions.node}` };
  for (const tool of new Set([...peers, ...ALWAYS])) {
    const asked = processes.start({ argv: toolbox.command(tool, versionArgs(tool)) });
    await asked.ended;
    versions[tool] = readVersion(tool, asked.output());
  }
  return versions;
}

function profileOptions({ profile }: BenchOptions): string[] {
  if (profile === undefined) return [];
  mkdirSync(profile, { recursive: true });
  return ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`, '--cpu-prof-interval=500'];
}

/** Ctrl-C leaves nothing behind. The result takes the handlers off again. */
function cleanUpOnSignals(processes: Processes, workspace: Workspace): () => void {
  const stop = (signal: NodeJS.Signals): void => {
    tell(`${signal}: stopping what runs.`);
    void processes.close().finally(() => {
      workspace.remove();
      process.exit(130);
    });
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  return () => void process.off('SIGINT', stop).off('SIGTERM', stop);
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(USAGE);
  else process.exitCode = await run(options);
} catch (error) {
  tell(error instanceof BenchError ? error.message : String(error instanceof Error ? error.stack : error));
  process.exitCode = error instanceof BenchError ? 2 : 1;
}
