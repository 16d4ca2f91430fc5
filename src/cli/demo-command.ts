import type { Command } from 'commander';
import { describeError } from '../base/errors.ts';
import { realSystem } from '../base/system.ts';
import { listDemoChecks } from './demo/demo-checks.ts';
import { type DemoNetwork, startDemoNetwork } from './demo/demo-network.ts';
import { createPaint, describeOutcome, describeServers, listCurlCommands, type Paint } from './demo/demo-text.ts';
import type { CliIo } from './io.ts';

/** `demo`: three servers that federate on this machine, checked live; stays until Ctrl-C. */
export function addDemoCommand(program: Command, io: CliIo): void {
  program
    .command('demo')
    .description('a private federation of three servers on this machine, checked live')
    .option('--once', 'exit after the checks: 0 if all passed, 1 if not')
    .action(async (options: { once?: boolean }) => runDemo(options.once === true, io));
}

async function runDemo(once: boolean, io: CliIo): Promise<void> {
  const paint = createPaint(io.colour);
  const interruption = watchForInterruption();
  io.stdout(`${paint.strong('A private federation of three servers on this machine')}\n\n`);
  let network: DemoNetwork | undefined;
  try {
    network = await startDemoNetwork({ system: realSystem, env: io.env });
    io.stdout(`${describeServers(network.servers, paint)}\n${paint.strong('Checked live')}\n`);
    io.stdout(`${describeStandIns(network)}\n\n`);
    const failed = await runChecks(network, io, paint, interruption.signal);
    if (interruption.signal.aborted) return;
    if (failed > 0) io.exitCode = 1;
    io.stdout(`\n${describeResult(failed, paint)}\n`);
    if (once) return;
    io.stdout(`\n${paint.strong('Try it yourself')}\n`);
    for (const command of listCurlCommands(network.servers, network.caFile)) io.stdout(`  ${command}\n`);
    io.stdout(`\nThe configuration of each sidecar is in ${network.folder}.\nCtrl-C ends the demo.\n`);
    await interruption.happened;
    // A demo that was looked at and ended on purpose has done what it is for.
    io.exitCode = 0;
    io.stdout('\n');
  } catch (error) {
    io.exitCode = 1;
    io.stderr(`The demo could not run: ${describeError(error)}\n`);
  } finally {
    await network?.close();
    interruption.forget();
  }
}

function describeStandIns({ servers }: DemoNetwork): string {
  const ports = servers.filter(({ serverName }) => serverName.port === undefined).map(({ httpsPort }) => httpsPort);
  return [
    'The homeservers are stand-ins with signing keys and no rooms; TLS, discovery and signatures are the real thing.',
    `Where a peer would ask port 443 for the well-known documents, the checks ask port ${ports.join(' or ')}.`,
  ].join('\n');
}

function describeResult(failed: number, paint: Paint): string {
  if (failed === 0) return paint.good('All checks passed.');
  return paint.bad(`${failed} ${failed === 1 ? 'check' : 'checks'} failed.`);
}

/** Runs the checks one after the other until they are through or it is interrupted; how many failed. */
async function runChecks(network: DemoNetwork, io: CliIo, paint: Paint, signal: AbortSignal): Promise<number> {
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

interface Interruption {
  readonly signal: AbortSignal;
  readonly happened: Promise<void>;
  forget(): void;
}

/** Ctrl-C and SIGTERM end the demo in order; until `forget`, they do not end the process. */
function watchForInterruption(): Interruption {
  const controller = new AbortController();
  const happened = new Promise<void>((resolve) => {
    controller.signal.addEventListener('abort', () => resolve());
  });
  const interrupt = (): void => controller.abort();
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  return {
    signal: controller.signal,
    happened,
    forget: () => void process.off('SIGINT', interrupt).off('SIGTERM', interrupt),
  };
}
