import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSidecar } from '../../app/sidecar.ts';
import type { Upstream } from '../../base/address.ts';
import { describeError, SidecarError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { bad, good } from '../../base/parsed.ts';
import type { System } from '../../base/system.ts';
import { formatConfigProblems } from '../../config/format-problems.ts';
import { loadConfig } from '../../config/load-config.ts';
import { parseServerName, type ServerName } from '../../matrix/server-name.ts';
import { createLogger } from '../../observe/logger.ts';
import { createFileStore } from '../../store/files.ts';
import { createDevelopmentCa } from '../../tls/development-ca.ts';
import { choosePorts } from './choose-ports.ts';
import { type DemoServer, fetchServerKeys } from './demo-server.ts';
import { type DemoPlan, planDemo, WANTED_PORTS } from './plan-demo.ts';
import { createStandInHomeserver } from './stand-in-homeserver.ts';

/** The running demo. */
export interface DemoNetwork {
  readonly servers: readonly DemoServer[];
  /** The development CA's certificate, PEM, and the file that has it. */
  readonly ca: string;
  readonly caFile: string;
  /** The temporary folder with everything that the demo wrote. */
  readonly folder: string;
  readonly system: System;
  /** Ends it all and removes the folder; any number of times. */
  close(): Promise<void>;
}

export interface DemoDeps {
  readonly system: System;
  /** LOG_LEVEL is heeded, so that the sidecars can be watched; otherwise they are silent. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Starts three stand-in homeservers, each behind its own sidecar. Leaves nothing behind when it fails. */
export async function startDemoNetwork({ system, env }: DemoDeps): Promise<DemoNetwork> {
  const folder = await mkdtemp(join(tmpdir(), 'matrix-sidecar-demo-'));
  // In the order of starting; ended in the opposite order.
  const running: { close(): Promise<void> }[] = [{ close: () => rm(folder, { recursive: true, force: true }) }];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      for (const each of running.reverse()) await each.close();
    })();
    return closing;
  };
  try {
    const store = createFileStore(join(folder, 'store'));
    running.push(store);
    const ca = await createDevelopmentCa({ store }, { system }).caPem();
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, ca);
    const servers: DemoServer[] = [];
    const fetchKeys = (asked: ServerName) => fetchDemoKeys(servers, asked, ca, system);
    for (const plan of planDemo(await choosePorts(WANTED_PORTS), folder)) {
      const serverName = mustParse(plan.serverName);
      const log = createLogger({ level: 'silent' });
      const listen: Upstream = plan.homeserver;
      const homeserver = await createStandInHomeserver({ serverName, listen, fetchKeys }, { system, log });
      running.push(homeserver);
      running.push(await startPlanned(plan, homeserver.upstream, folder, { system, env }));
      servers.push({ ...plan, serverName, homeserver });
    }
    return { servers, ca, caFile, folder, system, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Writes the sidecar's configuration, reads it as `serve` would, and starts it. */
async function startPlanned(
  plan: DemoPlan,
  homeserver: Upstream,
  folder: string,
  { system, env }: DemoDeps,
): Promise<{ close(): Promise<void> }> {
  const file = join(folder, `${plan.name}.yaml`);
  await writeFile(file, plan.writeConfig(homeserver));
  const loaded = loadConfig({ file, env, cwd: folder });
  if (!loaded.ok) {
    throw new SidecarError(`The demo's own configuration has errors:\n${formatConfigProblems(loaded.problems)}`, {
      code: 'demo-config',
      blame: 'us',
    });
  }
  const log: Log = createLogger(loaded.config.log);
  return startSidecar(loaded.config, { system, log });
}

async function fetchDemoKeys(servers: readonly DemoServer[], asked: ServerName, ca: string, system: System) {
  const server = servers.find(({ serverName }) => serverName.text === asked.text);
  if (server === undefined) return bad<never>(`${asked.text} is not part of the demo`);
  return fetchServerKeys(server, ca, system.now()).then(good, (error: unknown) => bad<never>(describeError(error)));
}

function mustParse(text: string): ServerName {
  const parsed = parseServerName(text);
  if (!parsed.ok) throw new SidecarError(parsed.why, { code: 'demo-config', blame: 'us' });
  return parsed.value;
}
