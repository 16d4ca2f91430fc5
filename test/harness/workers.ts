import type { IncomingMessage } from 'node:http';
import type { TestContext } from 'vitest';
import { realSystem, type System } from '../../src/base/system.ts';
import { type Answer, type Ask, ask } from './client.ts';
import { startInstance, type TestInstance } from './instances.ts';
import { startTestSidecar, type TestSidecar } from './sidecar.ts';

/** A sidecar before a main process and workers; each answers with its name. */
export interface WorkersSetting {
  readonly sidecar: TestSidecar;
  readonly main: TestInstance;
  /** By the names that they were given. */
  readonly workers: Readonly<Record<string, TestInstance>>;
  /** A request of a client; `token` is its access token. */
  ask(path: string, options?: Ask & { readonly token?: string }): Promise<Answer>;
  /** Who answered it. */
  whoAnswers(path: string, options?: Ask & { readonly token?: string }): Promise<string>;
  /** Reloads with other pools. */
  use(pools: Pools): Promise<void>;
}

/** The names of the workers of each pool. */
export type Pools = Readonly<Record<string, readonly string[]>>;

const STREAMS = new Set([
  ...['typing', 'to_device', 'account_data', 'receipts', 'presence', 'push_rules', 'device_lists'],
  ...['thread_subscriptions', 'quarantined_media_changes'],
]);

/** All workers of `pools` and those of `more` are started; `more` are in no pool yet. */
export async function startWorkers(
  context: Pick<TestContext, 'onTestFinished'>,
  pools: Pools,
  { more = [], system = realSystem }: { readonly more?: readonly string[]; readonly system?: System } = {},
): Promise<WorkersSetting> {
  const main = await startInstance(context, 'main');
  const workers: Record<string, TestInstance> = {};
  for (const name of new Set([...Object.values(pools).flat(), ...more]))
    workers[name] = await startInstance(context, name);
  main.say = whoami;
  const write = (some: Pools): string => {
    const list = (wanted: boolean): string =>
      Object.entries(some)
        .filter(([pool]) => STREAMS.has(pool) === wanted)
        .map(([pool, names]) => `${pool}: ${JSON.stringify(names.map((name) => workers[name]!.url))}`)
        .join(', ');
    const streams = list(true);
    const parts = [list(false), ...(streams === '' ? [] : [`stream_writers: { ${streams} }`])].filter(Boolean);
    return `servers: [{ server_name: a.test, homeserver: "${main.url}", workers: { ${parts.join(', ')} } }]
routes: { admin_api_from: 127.0.0.1 }
`;
  };
  const sidecar = await startTestSidecar(write(pools), { system });
  context.onTestFinished(() => sidecar.close());
  const askAs: WorkersSetting['ask'] = (path, { token, ...options } = {}) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return ask(sidecar, path, { ...options, headers: { host: 'a.test', ...authorization, ...options.headers } });
  };
  return {
    ...{ sidecar, main, workers, ask: askAs },
    async whoAnswers(path, options) {
      const answer = await askAs(path, options);
      return answer.status === 200 ? answer.body.toString() : String(answer.status);
    },
    use: (some) => sidecar.reload(write(some)),
  };
}

/** Tokens of the form `opaque-USER-ANYTHING` are USER's. */
function whoami({ url, headers }: IncomingMessage): string | undefined {
  if (url !== '/_matrix/client/v3/account/whoami') return undefined;
  const user = /^Bearer opaque-([a-z0-9]+)-/.exec(headers.authorization ?? '')?.[1];
  return user === undefined ? '{}' : JSON.stringify({ user_id: `@${user}:a.test` });
}

/** A token as Synapse makes it, which names its user. */
export function synapseToken(user: string, session = 'a'): string {
  return `syt_${Buffer.from(user).toString('base64').replaceAll('=', '')}_${session.repeat(20)}_1abcDE`;
}
