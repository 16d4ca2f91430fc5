import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { parseHostPort } from '../base/address.ts';
import { SidecarError } from '../base/errors.ts';
import { parseDuration } from '../base/quantity.ts';
import { stayAlive } from '../base/stay-alive.ts';
import { realSystem, type System } from '../base/system.ts';
import { type ConnectTo, parseConnectTo } from '../discovery/connect-to.ts';
import type { CheckRequest } from './check/check-request.ts';
import type { CliIo } from './io.ts';
import { CONFIG_OPTION_HELP } from './read-config.ts';

interface WrittenOptions {
  readonly format: CheckRequest['format'];
  readonly caFile?: string;
  readonly dns?: string;
  readonly connectTo?: readonly string[];
  readonly timeout: string;
  readonly sign?: boolean;
  readonly config?: string;
  readonly identity?: string;
  readonly key?: string;
}

/** Milliseconds that a test may be given. */
const [SHORTEST, LONGEST] = [1_000, 600_000];

/** Adds `check` to the program. */
export function addCheckCommand(program: Command, io: CliIo, system: System = realSystem): void {
  const again = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];
  program
    .command('check')
    .description(
      'The federation tester: whether other Matrix servers can reach SERVER_NAME, and if not, why. Exit code 0 if it works, 1 if not',
    )
    .argument('<server_name>', 'what stands after the colon in @alice:example.com')
    .addOption(new Option('--format <format>', 'how to print').choices(['human', 'json', 'tap']).default('human'))
    .option('--ca-file <pem>', 'trust this authority as well (a private federation)')
    .option('--dns <host:port>', 'ask this DNS server instead of the one of this machine')
    .option('--connect-to <host1:port1:host2:port2>', 'connect to the second pair for the first, as in curl', again)
    .option('--timeout <duration>', 'for the whole test', '30s')
    .option('--sign', 'send signed requests in the name of the sidecar of this configuration, which has to run')
    .option('--config <file>', `for --sign: ${CONFIG_OPTION_HELP}`)
    .option('--identity <server_name>', 'send signed requests in the name of this server instead')
    .option('--key <file>', 'for --identity: its signing key, as Synapse keeps it')
    .action(async (serverName: string, written: WrittenOptions, command: Command) => {
      const request = readRequest(serverName, written, io, command);
      const letGo = stayAlive();
      try {
        // Loaded when it is needed: other commands start without the tester.
        const { runCheck } = await import('./check/run-check.ts');
        await runCheck(request, { io, system });
      } catch (error) {
        if (!(error instanceof SidecarError)) throw error;
        // Not a word on federation has been found out: what was asked for cannot be done.
        io.stderr(error.hint === undefined ? `${error.message}\n` : `${error.message}\n${error.hint}\n`);
        io.exitCode = 2;
      } finally {
        letGo();
      }
    });
}

/** Throws commander's error for values that are none. */
function readRequest(serverName: string, written: WrittenOptions, io: CliIo, command: Command): CheckRequest {
  const dns = written.dns === undefined ? undefined : parseHostPort(written.dns, 53);
  if (dns?.ok === false) command.error(`error: --dns ${dns.why}`);
  const total = parseDuration(written.timeout);
  if (!total.ok) command.error(`error: --timeout ${total.why}`);
  if (total.value < SHORTEST || total.value > LONGEST) command.error('error: --timeout goes from 1s to 10m');
  return {
    serverName,
    format: written.format,
    caFile: written.caFile === undefined ? undefined : resolve(io.cwd, written.caFile),
    dns: dns?.ok === true ? dns.value : undefined,
    connectTo: (written.connectTo ?? []).map((text): ConnectTo => {
      const parsed = parseConnectTo(text);
      return parsed.ok ? parsed.value : command.error(`error: --connect-to ${parsed.why}`);
    }),
    total: total.value,
    signAs: readSigner(written, io, command),
  };
}

function readSigner({ sign, config, identity, key }: WrittenOptions, io: CliIo, command: Command) {
  if ((identity === undefined) !== (key === undefined)) command.error('error: --identity and --key go together');
  if (sign === true && identity !== undefined) command.error('error: --sign and --identity exclude each other');
  if (config !== undefined && sign !== true) command.error('error: --config is for --sign');
  if (identity !== undefined && key !== undefined)
    return { kind: 'key', serverName: identity, file: resolve(io.cwd, key) } as const;
  return sign === true ? ({ kind: 'sidecar', config } as const) : ({ kind: 'nobody' } as const);
}
