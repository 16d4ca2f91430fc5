import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSidecar } from '../../app/sidecar.ts';
import type { Upstream } from '../../base/address.ts';
import { describeError, SidecarError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { bad, good, type Parsed } from '../../base/parsed.ts';
import type { System } from '../../base/system.ts';
import { formatConfigProblems } from '../../config/format-problems.ts';
import { loadConfig } from '../../config/load-config.ts';
import type { KeyDocument } from '../../matrix/key-document.ts';
import { parseServerName, type ServerName } from '../../matrix/server-name.ts';
import { createLogger } from '../../observe/logger.ts';
import { createFileStore } from '../../store/files.ts';
import { createDevelopmentCa } from '../../tls/development-ca.ts';
import { choosePlaces } from './choose-places.ts';
import { createDemoDiscovery, type DemoDiscovery } from './demo-discovery.ts';
import { startDemoDns } from './demo-dns.ts';
import { type DemoServer, fetchServerKeys } from './demo-server.ts';
import { type DemoPlan, listConnectTo, planDemo } from './plan-demo.ts';
import { writeSigningKey } from './signing-key-file.ts';
import { createStandInHomeserver } from './stand-in-homeserver.ts';

/** The running demo. */
export interface DemoNetwork {
  readonly servers: readonly DemoServer[];
  readonly discovery: DemoDiscovery;
  /** The DNS server that knows the three: `127.0.0.1:18053`. */
  readonly dns: string;
  /** The development CA's certificate, PEM, and the file that has it. */
  readonly ca: string;
  readonly caFile: string;
  /** The signing key of the first server, in Synapse's form. */
  readonly keyFile: string;
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
    const plans = planDemo(await choosePlaces(), folder);
    const records = plans.flatMap((plan) => plan.records);
    const dns = await startDemoDns({ zones: plans.map((plan) => plan.serverName), records });
    running.push(dns);
    const discovery = createDemoDiscovery({ dns: dns.text, ca, connectTo: listConnectTo(plans) }, { system });
    const fetchKeys = (asked: ServerName): Promise<Parsed<KeyDocument>> =>
      fetchServerKeys(asked, discovery, ca, system.now()).then(good, (error: unknown) => bad(describeError(error)));
    const servers: DemoServer[] = [];
    for (const plan of plans) {
      const serverName = mustParse(plan.serverName);
      const log = createLogger({ level: 'silent' }, { system });
      const listen: Upstream = plan.homeserver;
      const homeserver = await createStandInHomeserver({ serverName, listen, fetchKeys }, { system, log });
      running.push(homeserver);
      running.push(await startPlanned(plan, homeserver.upstream, folder, { system, env }));
      servers.push({ ...plan, serverName, homeserver });
    }
    const keyFile = join(folder, 'one.signing.key');
    await writeFile(keyFile, writeSigningKey(servers[0]!.homeserver.signingKey), { mode: 0o600 });
    return { servers, discovery, dns: dns.text, ca, caFile, keyFile, folder, system, close };
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
  const log: Log = createLogger(loaded.config.log, { system });
  return startSidecar(loaded.config, { system, log });
}

function mustParse(text: string): ServerName {
  const parsed = parseServerName(text);
  if (!parsed.ok) throw new SidecarError(parsed.why, { code: 'demo-config', blame: 'us' });
  return parsed.value;
}
