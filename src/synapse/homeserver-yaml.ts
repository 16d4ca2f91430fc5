import { isJsonObject, type JsonObject } from '../matrix/json.ts';
import { readLegacyListeners, readListener, type SynapseListener } from './listener.ts';
import { parseSynapseSize } from './size.ts';
import { isWorkerFile, readProcesses, type SynapseProcesses } from './workers.ts';
import type { Place, YamlFile, YamlPath, YamlProblem } from './yaml-file.ts';

/** What of Synapse's configuration matters to a reverse proxy, defaults filled in. Holds no secret. */
export interface HomeserverYaml {
  /** The files, those of workers too, in the order in which they were given. */
  readonly files: readonly string[];
  readonly serverName: string;
  /** Undefined when it is not written; Synapse then takes `https://SERVER_NAME/`. */
  readonly publicBaseurl: string | undefined;
  readonly listeners: readonly SynapseListener[];
  readonly serveServerWellknown: boolean;
  /** Members that Synapse adds to its /.well-known/matrix/client. */
  readonly extraWellKnownClient: JsonObject;
  /** Bytes. */
  readonly maxUploadSize: number;
  /** Undefined when everybody is let in. */
  readonly federationDomainWhitelist: readonly string[] | undefined;
  /** Server names of the notaries; undefined when it is not written, which means matrix.org. */
  readonly trustedKeyServers: readonly string[] | undefined;
  /** Networks; undefined when it is not written, which means all private ones. */
  readonly ipRangeBlacklist: readonly string[] | undefined;
  /** Main process and workers. */
  readonly processes: SynapseProcesses;
  /** Whether the main process sends federation traffic itself. */
  readonly mainSendsFederation: boolean;
  /** The Matrix Authentication Service, when logins are its business. */
  readonly authenticationService: AuthenticationService | undefined;
  /** What calls (MatrixRTC) need of it. */
  readonly calls: {
    /** Whether it answers which services there are (MSC4143). */
    readonly announces: boolean;
    /** `livekit_service_url` of its transports. */
    readonly serviceUrls: readonly string[];
    /** Whether it takes delayed events (MSC4140). */
    readonly delaysEvents: boolean;
  };
  /** Where a key stands, by its path; the file as a whole when it stands nowhere. */
  place(path: YamlPath): Place;
}

export interface AuthenticationService {
  readonly endpoint: string | undefined;
  /** True for `msc3861` of `experimental_features`, which has the issuer alone. */
  readonly early: boolean;
}

export interface HomeserverYamlReading {
  /** Undefined when there is not even a server_name. */
  readonly yaml: HomeserverYaml | undefined;
  /** What Synapse itself would refuse, in the order of the files. */
  readonly problems: readonly YamlProblem[];
}

/** Synapse's default for max_upload_size (synapse/config/repository.py). */
const DEFAULT_UPLOAD = 50 * 1024 ** 2;

/**
 * Merges files as Synapse does with several `-c`: a top-level key of a later file replaces the whole of an earlier
 * one's (synapse/config/_base.py, read_config_files). Files of workers are read apart: each stands for one process. `given`
 * is not empty. Never throws.
 */
export function readHomeserverYaml(given: readonly YamlFile[]): HomeserverYamlReading {
  const workerFiles = given.filter(isWorkerFile);
  const shared = given.filter((file) => !isWorkerFile(file));
  const files = shared.length === 0 ? given : shared;
  const problems: YamlProblem[] = [];
  // fromEntries defines members, where an assignment to `__proto__` would change the prototype.
  const values: JsonObject = Object.fromEntries(files.flatMap((file) => Object.entries(file.values)));
  const last = files.at(-1)!;
  const place = (path: YamlPath): Place => {
    const key = String(path[0]);
    const owner = files.findLast((file) => Object.hasOwn(file.values, key));
    if (owner === undefined) return { file: last.name, line: undefined };
    return { file: owner.name, line: owner.lineOf(path) };
  };
  const refuse = (path: YamlPath, what: string, fix: string): void => {
    problems.push({ place: place(path), what, fix, key: formatPath(path) });
  };
  for (const file of files.filter(({ isMapping }) => !isMapping)) {
    const what = 'holds no settings, so Synapse passes over it';
    problems.push({ place: { file: file.name, line: undefined }, what, fix: 'Check that this is the right file' });
  }
  const serverName = values['server_name'];
  if (typeof serverName !== 'string') {
    refuse(['server_name'], 'there is no server_name', 'Write server_name: example.com, with your own name');
    return { yaml: undefined, problems };
  }
  const list = (key: string): readonly unknown[] | undefined => {
    const value = values[key];
    if (value === undefined || value === null) return undefined;
    if (Array.isArray(value)) return value;
    refuse([key], `${key} is no list`, `Write each entry of ${key} on a line of its own, after "- "`);
    return undefined;
  };
  const text = (key: string): string | undefined => {
    const value = values[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'string') return value;
    refuse([key], `${key} is no text`, `Write ${key} as text, in quotes if need be`);
    return undefined;
  };
  const mapping = (key: string): JsonObject => {
    const value = values[key];
    if (value === undefined || value === null) return {};
    if (isJsonObject(value)) return value;
    refuse([key], `${key} is no mapping`, `Write key: value below ${key}`);
    return {};
  };
  const upload = parseSynapseSize(values['max_upload_size'] ?? DEFAULT_UPLOAD);
  if (upload === undefined)
    refuse(['max_upload_size'], 'max_upload_size is no size', 'Write it as max_upload_size: 50M');
  const settings = { ...values, instance_map: mapping('instance_map'), stream_writers: mapping('stream_writers') };
  const yaml: HomeserverYaml = {
    files: given.map(({ name }) => name),
    serverName,
    publicBaseurl: text('public_baseurl'),
    listeners: readListeners(values, list('listeners') ?? [], place, refuse),
    serveServerWellknown: values['serve_server_wellknown'] === true,
    extraWellKnownClient: mapping('extra_well_known_client_content'),
    maxUploadSize: upload ?? DEFAULT_UPLOAD,
    federationDomainWhitelist: list('federation_domain_whitelist')?.map(String),
    trustedKeyServers: list('trusted_key_servers')?.map((one) =>
      String(isJsonObject(one) ? (one['server_name'] ?? '') : one),
    ),
    ipRangeBlacklist: list('ip_range_blacklist')?.map(String),
    processes: readProcesses(settings, workerFiles, (problem) => problems.push(problem)),
    mainSendsFederation: sendsFederation(values),
    authenticationService: readAuthenticationService(values),
    calls: readCalls(values),
    place,
  };
  return { yaml, problems };
}

/** `listeners[0]` */
function formatPath(path: YamlPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${step}`))
    .join('');
}

function readListeners(
  values: JsonObject,
  entries: readonly unknown[],
  place: (path: YamlPath) => Place,
  refuse: (path: YamlPath, what: string, fix: string) => void,
): readonly SynapseListener[] {
  const legacy = readLegacyListeners(values, place(['bind_port']));
  if (legacy !== undefined) return legacy;
  const listeners = entries.flatMap((entry, index) => {
    const reading = readListener(entry, place(['listeners', index]));
    if (reading.ok) return [reading.listener];
    refuse(['listeners', index], `this listener ${reading.why}`, 'Write port: 8008 and type: http, for example');
    return [];
  });
  // With `no_tls: true`, a very old setting, listeners with TLS are passed over.
  return values['no_tls'] === true ? listeners.filter(({ tls }) => !tls) : listeners;
}

/** synapse/config/workers.py: the main process sends unless it is told not to, or others are named. */
function sendsFederation(values: JsonObject): boolean {
  const senders = values['federation_sender_instances'];
  if (Array.isArray(senders)) return senders.length === 0 || senders.includes('master');
  return values['send_federation'] !== false;
}

/** `matrix_authentication_service`, or what came before it in `experimental_features`. */
function readAuthenticationService(values: JsonObject): HomeserverYaml['authenticationService'] {
  const stable = values['matrix_authentication_service'];
  if (isJsonObject(stable) && stable['enabled'] === true) return { endpoint: asText(stable['endpoint']), early: false };
  const features = values['experimental_features'];
  const early = isJsonObject(features) ? features['msc3861'] : undefined;
  return isJsonObject(early) && early['enabled'] === true
    ? { endpoint: asText(early['issuer']), early: true }
    : undefined;
}

/** synapse/config/matrixrtc.py, experimental.py, and server.py for `max_event_delay_duration`. */
function readCalls(values: JsonObject): HomeserverYaml['calls'] {
  const features = values['experimental_features'];
  const rtc = values['matrix_rtc'];
  const transports = isJsonObject(rtc) && Array.isArray(rtc['transports']) ? (rtc['transports'] as unknown[]) : [];
  const delay = values['max_event_delay_duration'];
  return {
    announces: isJsonObject(features) && features['msc4143_enabled'] === true,
    serviceUrls: transports.flatMap((one) => (isJsonObject(one) ? (asText(one['livekit_service_url']) ?? []) : [])),
    delaysEvents: delay !== undefined && delay !== null,
  };
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
