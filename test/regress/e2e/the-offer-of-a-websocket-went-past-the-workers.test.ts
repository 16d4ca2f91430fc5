import { expect, it } from 'vitest';
import { ask } from '../../harness/client.ts';
import { startInstance } from '../../harness/instances.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';

const UPGRADE = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
const SYNC = '/_matrix/client/v3/sync?since=s1';

it('an offer of a WebSocket, which Synapse answers like any request, goes where the request would go', async (context) => {
  const names = ['main', 'sync-1', 'sync-2', 'sync-3', 'generic', 'mas'];
  const [main, one, two, three, generic, mas] = await Promise.all(names.map((name) => startInstance(context, name)));
  const syncs = [one!, two!, three!];
  main!.say = (request) => (request.url?.endsWith('/whoami') ? '{"user_id":"@alice:a.test"}' : undefined);
  const sidecar =
    await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${main!.url}", mas: "${mas!.url}",
  workers: { generic: "${generic!.url}", sync: [${syncs.map(({ url }) => `"${url}"`).join(', ')}] } }]`);
  context.onTestFinished(() => sidecar.close());
  const answer = async (path: string, authorization: string, offer: boolean): Promise<string> => {
    const headers = { host: 'a.test', authorization, ...(offer ? UPGRADE : {}) };
    return (await ask(sidecar, path, { headers })).body.toString();
  };
  // The user is in the first one, the second has to be asked for.
  for (const authorization of [`Bearer syt_${Buffer.from('bob').toString('base64')}_x_y`, 'Bearer mat_opaque']) {
    const at = await answer(SYNC, authorization, false);
    expect(at).toMatch(/^sync-/);
    expect(await answer(SYNC, authorization, true)).toBe(at);
  }
  const rooms = '/_matrix/client/v3/joined_rooms';
  expect(await answer(rooms, 'Bearer x', true)).toBe('generic');
  expect(await answer('/_matrix/client/v3/login', 'Bearer x', true)).toBe('mas');
  expect(await answer('/_matrix/client/v3/rooms/!r:a.test/upgrade', 'Bearer x', true)).toBe('main');
  await generic!.stop();
  expect(await answer(rooms, 'Bearer x', true)).toBe('main');
});
