import { isJsonObject, type JsonObject } from '../matrix/json.ts';
import { STREAMS, type Stream } from '../matrix/worker-pools.ts';
import { readListener, type SynapseListener } from './listener.ts';
import type { YamlFile, YamlProblem } from './yaml-file.ts';

/** One process beside the main one, as its own file has it. */
export interface SynapseWorker {
  readonly name: string;
  /** Without what all begin with: `generic_worker`, `media_repository`. */
  readonly app: string;
  readonly listeners: readonly SynapseListener[];
  readonly file: string;
}

/** How the processes of a Synapse share its work (synapse/config/workers.py). */
export interface SynapseProcesses {
  /** By which they tell each other what they write. */
  readonly redis: boolean;
  /** Whether the main process serves media. */
  readonly mainServesMedia: boolean;
  /** Names of the workers that write a stream; those that the main process writes are left out. */
  readonly writers: Readonly<Partial<Record<Stream | 'events', readonly string[]>>>;
  /** The hosts of `instance_map` by name, the main process's too; none for Unix sockets. */
  readonly hosts: ReadonlyMap<string, string>;
  /** The worker that keeps the user directory. */
  readonly userDirectory: string | undefined;
  /** Those whose files were given. */
  readonly workers: readonly SynapseWorker[];
  /** All names that are mentioned, the main process's apart, in order. */
  readonly names: readonly string[];
}

const MAIN_NAMES = new Set(['main', 'master']);
const LISTS = ['federation_sender_instances', 'pusher_instances'] as const;
const SINGLE = [
  'notify_appservices_from_worker',
  'run_background_tasks_on',
  'update_user_directory_from_worker',
] as const;

/** Whether a file is a worker's own, and no part of what all processes read. */
export function isWorkerFile({ values }: YamlFile): boolean {
  const app = values['worker_app'];
  return typeof app === 'string' && app !== 'synapse.app.homeserver';
}

/** `values` are those that all processes read; `files` those of workers. */
export function readProcesses(
  values: JsonObject,
  files: readonly YamlFile[],
  refuse: (problem: YamlProblem) => void,
): SynapseProcesses {
  const instanceMap = isJsonObject(values['instance_map']) ? values['instance_map'] : {};
  const written = isJsonObject(values['stream_writers']) ? values['stream_writers'] : {};
  const writers = Object.fromEntries(
    ([...STREAMS, 'events'] as const)
      .map((stream) => [stream, listNames(written[stream])] as const)
      .filter(([, names]) => names.length > 0),
  );
  const workers = files.map((file) => readWorker(file, refuse));
  const [userDirectory] = listNames(values['update_user_directory_from_worker']);
  const redis = values['redis'];
  return {
    redis: isJsonObject(redis) && redis['enabled'] === true,
    mainServesMedia: values['enable_media_repo'] !== false,
    writers,
    hosts: new Map(
      Object.entries(instanceMap).flatMap(([name, at]) =>
        isJsonObject(at) && typeof at['host'] === 'string' ? [[name, at['host']]] : [],
      ),
    ),
    userDirectory,
    workers,
    names: [
      ...new Set([
        ...listNames(Object.keys(instanceMap)),
        ...workers.map(({ name }) => name),
        ...Object.values(writers).flat(),
        ...[...LISTS, ...SINGLE].flatMap((key) => listNames(values[key])),
      ]),
    ],
  };
}

/** A name or a list of names, the main process's left out. */
function listNames(value: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((name): name is string => typeof name === 'string' && !MAIN_NAMES.has(name));
}

function readWorker(file: YamlFile, refuse: (problem: YamlProblem) => void): SynapseWorker {
  const { values, name: path } = file;
  const app = String(values['worker_app']);
  const name = values['worker_name'];
  const entries: readonly unknown[] = Array.isArray(values['worker_listeners']) ? values['worker_listeners'] : [];
  const listeners = entries.flatMap((entry, index) => {
    const place = { file: path, line: file.lineOf(['worker_listeners', index]) };
    const reading = readListener(entry, place);
    if (reading.ok) return [reading.listener];
    refuse({
      place,
      what: `this listener ${reading.why}`,
      fix: 'Write port: 8081 and type: http, for example',
      key: `worker_listeners[${index}]`,
    });
    return [];
  });
  return {
    name: typeof name === 'string' ? name : app,
    app: app.replace(/^synapse\.app\./, ''),
    listeners,
    file: path,
  };
}
