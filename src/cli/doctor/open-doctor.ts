import { readFile } from 'node:fs/promises';
import type { HostPort } from '../../base/address.ts';
import { findFolderPlace } from '../../base/container.ts';
import { createHttpsExchange } from '../../base/create-https-exchange.ts';
import { createDnsClient } from '../../base/dns.ts';
import { describeError, SidecarError } from '../../base/errors.ts';
import { PROBE_KEY, PROBE_KEY_LENGTH } from '../../base/self-probe.ts';
import type { System } from '../../base/system.ts';
import { parseTrustBundle } from '../../base/trust-bundle.ts';
import type { Config } from '../../config/config.ts';
import { redactPassword } from '../../config/hidden.ts';
import type { ConnectTo } from '../../discovery/connect-to.ts';
import { createNames } from '../../discovery/names.ts';
import { checkStore } from '../../doctor/check-store.ts';
import type { Deployment } from '../../doctor/deployment.ts';
import type { DoctorDeps } from '../../doctor/doctor-deps.ts';
import { createStatus, listRows } from '../../doctor/list-rows.ts';
import type { Row } from '../../doctor/row.ts';
import { createSelfProbe } from '../../doctor/self-probe.ts';
import { preferDns } from '../../doctor/whereabouts.ts';
import { COMMAND_OPTIONS, type PolicyOptions } from '../../federation-tester/verdict.ts';
import { createStore } from '../../store/open-store.ts';
import type { Store } from '../../store/store.ts';
import { ROOT_COPY_KEY } from '../../tls/development-ca.ts';
import { createStderrLog } from '../certs/open-certificate-store.ts';
import type { CliIo } from '../io.ts';
import { createStoredCertificates } from './read-stored-certificates.ts';

export interface DoctorOptions {
  /** A DNS server to ask instead of the machine's; an address. */
  readonly dns: HostPort | undefined;
  readonly connectTo: readonly ConnectTo[];
  /** PEM file of an authority that is trusted as well. */
  readonly caFile: string | undefined;
}

/** Everything that can be looked at with this configuration. The store stays open until `close`. */
export interface OpenDoctor {
  readonly rows: readonly Row[];
  close(): Promise<void>;
}

/** Milliseconds for the first question to a DNS server, so that a silent one is known as such within the time of a row. */
const DNS_PATIENCE = 1_000;

/** Rejects with a SidecarError when a file of the command line cannot be used; all else is a row's finding. */
export async function openDoctor(
  config: Config,
  deployment: Deployment,
  options: DoctorOptions,
  { io, system }: { readonly io: CliIo; readonly system: System },
): Promise<OpenDoctor> {
  const log = createStderrLog(io);
  const trusted = options.caFile === undefined ? [] : await readTrust(options.caFile, 'ca-file');
  const opened = await openStore(config, { system, log });
  const { store } = opened;
  const local = config.certificates === 'local' ? await store?.read(ROOT_COPY_KEY).catch(() => undefined) : undefined;
  const ca = [...trusted, ...readBundle(local?.toString() ?? '')];
  const dnsServer = options.dns ?? config.acme.resolvers[0];
  const server = dnsServer?.text;
  const dns = createDnsClient({ servers: server === undefined ? [] : [server], timeout: DNS_PATIENCE });
  const names = createNames({ server }, { system, dns });
  const https = createHttpsExchange({ system, ca });
  const where = config.store.kind === 'files' ? config.store.folder : redactPassword(config.store.url);
  const deps: DoctorDeps = {
    system,
    https,
    names: deployment.reach === 'public' ? preferDns(names, dns) : names,
    connectTo: options.connectTo,
    policy: { dnsServer, ownAuthority: ca.length > 0, options: nameOptions(config, options) },
    probe: createSelfProbe(opened.key, { system, https }),
    probeIsNew: opened.keyIsNew,
    inContainer: findFolderPlace('/').inContainer,
    storeAt: where,
    status: createStatus(deployment, { system }),
    readCertificates:
      store === undefined ? async () => [] : createStoredCertificates({ io, system, log, config, store }),
  };
  return {
    rows: [checkStore({ where, failure: opened.failure }), ...listRows(deployment, deps)],
    close: async () => store?.close(),
  };
}

/** Where the DNS server comes from that has to be corrected when it is the wrong one. */
function nameOptions({ acme }: Config, { dns }: DoctorOptions): PolicyOptions {
  return { ...COMMAND_OPTIONS, dns: dns === undefined && acme.resolvers.length > 0 ? 'acme.resolvers' : '--dns' };
}

interface OpenedStore {
  /** Undefined with a failure. */
  readonly store: Store | undefined;
  /** Of the probes; of no use with a failure. */
  readonly key: Buffer;
  readonly keyIsNew: boolean;
  readonly failure: SidecarError | undefined;
}

async function openStore(config: Config, deps: Parameters<typeof createStore>[1]): Promise<OpenedStore> {
  let store: Store | undefined;
  try {
    store = await createStore(config.store, deps);
    return { store, ...(await readProbeKey(store, deps.system)), failure: undefined };
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error;
    await store?.close();
    return { store: undefined, key: Buffer.alloc(PROBE_KEY_LENGTH), keyIsNew: false, failure: error };
  }
}

/** The key by which a running sidecar of this store is recognised; made when there is none. */
async function readProbeKey(store: Store, system: System): Promise<Pick<OpenedStore, 'key' | 'keyIsNew'>> {
  const present = await store.read(PROBE_KEY);
  if (present?.length === PROBE_KEY_LENGTH) return { key: present, keyIsNew: false };
  await store.write(PROBE_KEY, system.randomBytes(PROBE_KEY_LENGTH));
  // Another doctor may have made one at the same time: what is there now is what counts.
  const key = (await store.read(PROBE_KEY)) ?? Buffer.alloc(PROBE_KEY_LENGTH);
  return { key, keyIsNew: true };
}

async function readTrust(file: string, option: string): Promise<readonly string[]> {
  const hint = 'Give a PEM file with the certificate of the authority.';
  const refuse = (why: string, cause?: unknown): SidecarError =>
    new SidecarError(`--${option} ${file} ${why}.`, { code: 'ca-file', blame: 'operator', hint, cause });
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw refuse(`cannot be read: ${describeError(error)}`, error);
  }
  const parsed = parseTrustBundle(text);
  if (!parsed.ok) throw refuse(`cannot be used: ${parsed.why}`);
  return parsed.value;
}

function readBundle(pem: string): readonly string[] {
  const parsed = parseTrustBundle(pem);
  return parsed.ok ? parsed.value : [];
}
