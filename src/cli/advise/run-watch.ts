import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Advice } from '../../advise/advice.ts';
import { parseHostPort } from '../../base/address.ts';
import { createHttpsExchange } from '../../base/create-https-exchange.ts';
import { createDnsClient, type DnsClient } from '../../base/dns.ts';
import { describeError } from '../../base/errors.ts';
import { parseDuration } from '../../base/quantity.ts';
import { stayAlive } from '../../base/stay-alive.ts';
import type { System } from '../../base/system.ts';
import { parseTrustBundle } from '../../base/trust-bundle.ts';
import type { Config } from '../../config/config.ts';
import { type ConnectTo, parseConnectTo } from '../../discovery/connect-to.ts';
import { createNames, type Names } from '../../discovery/names.ts';
import { createPaint } from '../demo/demo-text.ts';
import { watchForInterruption } from '../interruption.ts';
import type { CliIo } from '../io.ts';
import { watchServers } from './watch-servers.ts';
import { renderNews, renderNewsJson } from './watch-text.ts';

/** The options of `--watch` as they are written. */
export interface WrittenWatchOptions {
  readonly format: 'human' | 'json';
  readonly dns?: string;
  readonly connectTo?: readonly string[];
  readonly caFile?: string;
  readonly timeout?: string;
}

/** The same, read. */
export interface WatchOptions {
  readonly format: 'human' | 'json';
  /** A DNS server, `address:port`. */
  readonly dns: string | undefined;
  readonly connectTo: readonly ConnectTo[];
  /** Absolute. */
  readonly caFile: string | undefined;
  /** Milliseconds. */
  readonly timeout: number | undefined;
}

/** The exit codes of `--watch`: all live; not within the time; interrupted, as a shell reports SIGINT. */
const EXIT = { live: 0, timeout: 1, interrupted: 130 };

/** Throws commander's error for values that are none. */
export function readWatchOptions(written: WrittenWatchOptions, io: CliIo, command: Command): WatchOptions {
  const { format, dns, connectTo = [], caFile, timeout } = written;
  const mappings = connectTo.map((text): ConnectTo => {
    const parsed = parseConnectTo(text);
    return parsed.ok ? parsed.value : command.error(`error: --connect-to ${parsed.why}`);
  });
  const server = dns === undefined ? undefined : parseHostPort(dns, 53);
  if (server?.ok === false) command.error(`error: --dns ${server.why}`);
  if (server?.ok === true && isIP(server.value.host) === 0)
    command.error(`error: --dns ${JSON.stringify(dns)} is a name, and a DNS server is given by its address`);
  const patience = timeout === undefined ? undefined : parseDuration(timeout);
  if (patience?.ok === false) command.error(`error: --timeout ${patience.why}`);
  return {
    format,
    dns: server?.ok === true ? server.value.text : undefined,
    connectTo: mappings,
    caFile: caFile === undefined ? undefined : resolve(io.cwd, caFile),
    timeout: patience?.ok === true ? patience.value : undefined,
  };
}

/** Waits until the servers are live, and says so; sets the exit code. */
export async function runWatch(
  config: Config,
  advice: readonly Advice[],
  options: WatchOptions,
  { io, system }: { readonly io: CliIo; readonly system: System },
): Promise<void> {
  const ca = options.caFile === undefined ? [] : await readAuthorities(options.caFile, io);
  if (ca === undefined) return;
  const dns = createDnsClient(options.dns === undefined ? {} : { servers: [options.dns] });
  const names = askDnsFirst(createNames({ server: options.dns }, { system, dns }), dns);
  const https = createHttpsExchange({ system, ca });
  const paint = createPaint(io.colour);
  const servers = advice.flatMap((one) => {
    const server = config.servers.find(({ serverName }) => serverName.text === one.serverName);
    return server === undefined ? [] : [{ serverName: server.serverName, advice: one }];
  });
  const interruption = watchForInterruption();
  const letGo = stayAlive();
  if (io.isTerminal) io.stderr('Looking from outside until all is live; Ctrl-C ends it.\n');
  try {
    const ended = await watchServers(
      { servers, timeout: options.timeout },
      {
        ...{ system, dns, names, https, connectTo: options.connectTo },
        tell: (news) => io.stdout(options.format === 'json' ? renderNewsJson(news) : renderNews(news, paint)),
      },
      interruption.signal,
    );
    io.exitCode = EXIT[ended];
    if (ended === 'live' && options.format === 'human')
      io.stdout(`${paint.good('All is live: other servers find this sidecar.')}\n`);
    if (ended === 'timeout') io.stderr('The time is over, and not all is live. Run it again, or without --timeout.\n');
    if (ended === 'interrupted' && io.isTerminal) io.stderr('\n');
  } finally {
    letGo();
    interruption.forget();
  }
}

/** The machine's hosts file often has its own name as 127.0.1.1, which nobody outside sees: the DNS is asked first. */
function askDnsFirst(names: Names, dns: DnsClient): Names {
  return {
    async lookupHost(host, signal) {
      const found = await names.lookupHost(host, signal);
      if (isIP(host) !== 0) return found;
      const addresses = await dns.resolveAddresses(host, { signal }).catch(() => []);
      signal.throwIfAborted();
      return addresses.length === 0 ? found : { ...found, addresses, error: undefined };
    },
    lookupSrv: (name, signal) => names.lookupSrv(name, signal),
  };
}

/** Undefined with a message and an exit code when the file cannot be used. */
async function readAuthorities(file: string, io: CliIo): Promise<readonly string[] | undefined> {
  let why: string;
  try {
    const parsed = parseTrustBundle(await readFile(file, 'utf8'));
    if (parsed.ok) return parsed.value;
    why = parsed.why;
  } catch (error) {
    why = describeError(error);
  }
  io.stderr(`--ca-file ${file} cannot be used: ${why}.\nGive the PEM file of the authority's own certificate.\n`);
  io.exitCode = 2;
  return undefined;
}
