import { describeError } from '../../base/errors.ts';
import { realSystem } from '../../base/system.ts';
import { watchForInterruption } from '../interruption.ts';
import type { CliIo } from '../io.ts';
import { checkEachOther, type Encounter } from './check-each-other.ts';
import { listDemoChecks } from './demo-checks.ts';
import { listCheckCommands, listCurlCommands, writeConnectTo } from './demo-commands.ts';
import { type DemoNetwork, startDemoNetwork } from './demo-network.ts';
import { createPaint, describeOutcome, describeServers, type Paint } from './demo-text.ts';
import { describeColumns, describeRow, describeSteps } from './encounter-table.ts';

/**
 * Starts the demo, checks it and prints what was seen; then stays until Ctrl-C, or ends at once. The exit code is 1 when it
 * could not run or when a check of a demo that ends at once failed.
 */
export async function runDemo(once: boolean, io: CliIo): Promise<void> {
  const paint = createPaint(io.colour);
  const interruption = watchForInterruption();
  const { signal } = interruption;
  const print = (text: string): void => io.stdout(`${text}\n`);
  print(`${paint.strong('A private federation of three servers on this machine')}\n`);
  let network: DemoNetwork | undefined;
  try {
    network = await startDemoNetwork({ system: realSystem, env: io.env });
    print(describeServers(network.servers, paint));
    print(
      `${paint.strong('Each server checks each other one: by which step it is found, and whether federation works')}\n`,
    );
    const failed = (await runEncounters(network, print, paint, signal)) + (await runChecks(network, io, paint, signal));
    if (signal.aborted) return;
    if (failed > 0) io.exitCode = 1;
    print(`\n${describeResult(failed, paint)}`);
    if (once) return;
    const { program, where } = nameProgram(io);
    print(`\n${paint.strong(`Try it yourself, in another terminal${where}`)}`);
    for (const command of listCheckCommands(network, program)) print(`  ${command}`);
    for (const command of listCurlCommands(network)) print(`  ${command}`);
    print(`\nThe configuration of each sidecar is in ${network.folder}.\nCtrl-C ends the demo.`);
    await interruption.happened;
    // A demo that was looked at and ended on purpose has done what it is for.
    io.exitCode = 0;
    print('');
  } catch (error) {
    // Ended by its user, who knows.
    if (signal.aborted) return;
    io.exitCode = 1;
    io.stderr(`The demo could not run: ${describeError(error)}\n`);
  } finally {
    await network?.close();
    interruption.forget();
  }
}

/** How this program is called where it was started: there is no `matrix-sidecar` on the path of a clone. */
function nameProgram({ env }: CliIo): { readonly program: string; readonly where: string } {
  return env['npm_lifecycle_event'] === 'demo'
    ? { program: 'npm run -s matrix-sidecar --', where: ', in this folder' }
    : { program: 'matrix-sidecar', where: '' };
}

/** Prints the table row by row; how many of the encounters went wrong. */
async function runEncounters(
  network: DemoNetwork,
  print: (text: string) => void,
  paint: Paint,
  signal: AbortSignal,
): Promise<number> {
  const { servers } = network;
  const encounters: Encounter[] = [];
  print(describeColumns(servers, paint));
  for (const from of servers) {
    const row: Encounter[] = [];
    for (const to of servers) if (to !== from) row.push(await checkEachOther(from, to, network, signal));
    print(describeRow(from, servers, row, paint));
    encounters.push(...row);
  }
  const slowest = Math.max(...encounters.map(({ took }) => took));
  print(`\n${describeSteps(servers, encounters, paint).join('\n')}\n`);
  print(`The slowest took ${(slowest / 1000).toFixed(1)} s.\n${describeHonesty(network)}\n`);
  return encounters.filter(({ wrong }) => wrong !== undefined).length;
}

/** What is real here, and what is not. */
function describeHonesty({ discovery: { connectTo }, dns }: DemoNetwork): string {
  const ports = connectTo.map(writeConnectTo).join(', ');
  const real = [
    `DNS (${dns}), TLS, discovery, signatures and the tester are the real thing;`,
    'the homeservers are stand-ins with signing keys and no rooms.',
  ].join('\n');
  if (connectTo.length === 0) return real;
  return `${real}\nPorts that are taken here, or not allowed, are replaced as by --connect-to ${ports}.`;
}

function describeResult(failed: number, paint: Paint): string {
  if (failed === 0) return paint.good('All checks passed.');
  return paint.bad(`${failed} ${failed === 1 ? 'check' : 'checks'} failed.`);
}

/** Runs the checks one after the other until they are through or it is interrupted; how many failed. */
async function runChecks(network: DemoNetwork, io: CliIo, paint: Paint, signal: AbortSignal): Promise<number> {
  io.stdout(`${paint.strong('And in detail')}\n`);
  let failed = 0;
  for (const check of listDemoChecks(network)) {
    if (signal.aborted) break;
    const outcome = await check.run().then(
      (seen) => ({ ok: true, seen }),
      (error: unknown) => ({ ok: false, seen: describeError(error) }),
    );
    if (!outcome.ok) failed += 1;
    io.stdout(describeOutcome(check.title, outcome, paint));
  }
  return failed;
}
