import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ask } from '../harness/client.ts';
import { startInstance } from '../harness/instances.ts';
import { startSeveral } from '../harness/several.ts';
import { until } from '../harness/until.ts';

const SECRET = 'hunter2';
const RESOURCES = 'resources: [{ names: [client, federation] }]';

it.for([1, 2])('what is left out follows from homeserver.yaml (processes: %i)', async (processes, context) => {
  const folder = mkdtempSync(join(tmpdir(), 'follows-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true }));
  const [main, first, second] = [
    await startInstance(context, 'main'),
    await startInstance(context, 'first'),
    await startInstance(context, 'second'),
  ];
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const synapse = (more = ''): void =>
    write(
      'homeserver.yaml',
      `server_name: a.test\nmacaroon_secret_key: ${SECRET}\n${more}listeners:\n  - { port: ${main.port}, type: http, bind_addresses: [127.0.0.1], ${RESOURCES} }\n`,
    );
  const worker = (port: number): void =>
    write(
      'sync1.yaml',
      `worker_app: synapse.app.generic_worker\nworker_name: sync1\nworker_listeners:\n  - { port: ${port}, type: http, ${RESOURCES} }\n`,
    );
  synapse('max_upload_size: 1M\n');
  worker(first.port);
  const paths = ['homeserver.yaml', 'sync1.yaml'].map((name) => join(folder, name));
  const serve = await startSeveral(
    `servers: [{ homeserver_yaml: ${JSON.stringify(paths)} }]\nprocesses: ${processes}\n`,
  );
  context.onTestFinished(() => serve.close());
  const host = { host: 'a.test' };
  const whoSyncs = async (): Promise<string> =>
    (await ask(serve, '/_matrix/client/v3/sync?since=1', { headers: host })).body.toString();
  const upload = async (bytes: number): Promise<number> => {
    const headers = { ...host, 'content-length': bytes };
    const body = Buffer.alloc(bytes);
    return (await ask(serve, '/_matrix/media/v3/upload', { method: 'POST', headers, body })).status;
  };

  expect([await whoSyncs(), await upload(1024 ** 2), await upload(1024 ** 2 + 1)]).toEqual(['first', 200, 413]);
  expect(serve.log().filter(({ from }) => from !== undefined)).toMatchObject([
    { key: 'servers[0].server_name', value: 'a.test', from: [`${paths[0]}:1 server_name`] },
    { key: 'servers[0].homeserver', value: main.url, from: [`${paths[0]}:5 listeners`] },
    { key: 'servers[0].workers.sync', value: [first.url], from: [`${paths[1]}:4 worker_listeners`] },
    { key: 'limits.upload', value: '1048576', from: [`${paths[0]}:3 max_upload_size`] },
  ]);

  // Read again at SIGHUP.
  synapse('max_upload_size: 2M\n');
  worker(second.port);
  await serve.hangUp();
  expect([await whoSyncs(), await upload(2 * 1024 ** 2), await upload(2 * 1024 ** 2 + 1)]).toEqual([
    ...['second', 200, 413],
  ]);

  // Broken, or gone: nothing changes, and the log says why.
  synapse(`\tpassword: ${SECRET}\n`);
  const refused = await serve.hangUp(/the old one stays in force/);
  expect(refused).toMatchObject({
    level: 'error',
    problems: [expect.stringContaining(`${paths[0]}:3 servers[0].homeserver_yaml: `)],
  });
  rmSync(paths[0]!);
  const gone = await serve.hangUp(/the old one stays in force/);
  expect(gone).toMatchObject({ problems: [expect.stringContaining('does not exist')] });
  expect(await whoSyncs()).toBe('second');

  // A process that takes another's place needs none of the files.
  if (processes > 1) {
    const [, killed] = await serve.pids();
    process.kill(killed!, 'SIGKILL');
    await until('the other is replaced', async () => {
      const pids = await serve.pids();
      return pids.length === 2 && !pids.includes(killed!);
    });
    expect(await whoSyncs()).toBe('second');
  }
  expect(JSON.stringify(serve.log()) + serve.stderr()).not.toContain(SECRET);
});
