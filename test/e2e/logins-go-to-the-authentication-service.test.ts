import { expect, it } from 'vitest';
import { explainRequest } from '../../src/app/explain-request.ts';
import { ask } from '../harness/client.ts';
import { startInstance } from '../harness/instances.ts';
import { startTestSidecar } from '../harness/sidecar.ts';

const LOGIN = '/_matrix/client/v3/login';

it('logins go to the authentication service, wait while it is away, and everything else goes on', async (context) => {
  const [main, worker, mas] = await Promise.all(['main', 'worker', 'mas'].map((name) => startInstance(context, name)));
  const write = (more: string): string =>
    `servers: [{ server_name: a.test, homeserver: "${main!.url}", workers: { generic: "${worker!.url}" }${more} }]`;
  const sidecar = await startTestSidecar(write(`, mas: "${mas!.url}"`));
  context.onTestFinished(() => sidecar.close());
  const answer = async (path: string): Promise<string> =>
    (await ask(sidecar, path, { headers: { host: 'a.test' } })).body.toString();
  expect([await answer(LOGIN), await answer('/_matrix/client/v3/joined_rooms')]).toEqual(['mas', 'worker']);
  const said = explainRequest(
    {
      ...{ listener: 'https', method: 'POST', target: LOGIN, headers: [], authority: 'a.test', serverName: 'a.test' },
      clientAddress: '127.0.0.1',
    },
    sidecar.config,
  );
  expect(Object.fromEntries(said)['authentication service']).toBe(mas!.url);
  await mas!.stop();
  const waiting = answer(LOGIN);
  expect(await answer('/_matrix/client/v3/joined_rooms')).toBe('worker');
  await mas!.start();
  expect(await waiting).toBe('mas');
  await sidecar.reload(write(''));
  expect(await answer(LOGIN)).toBe('worker');
});
