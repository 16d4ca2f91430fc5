import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readKeyDocument } from '../../src/matrix/key-document.ts';
import { run } from '../cli/check-bench.ts';
import { ask } from '../harness/client.ts';
import { fetchIdentityKeys, openTesterGround, type TesterGround } from '../harness/tester-ground.ts';

const NAME = 'm.a.test:00443';
const KEYS = '/_matrix/key/v2/server';
let ground: TesterGround;
beforeAll(async () => {
  ground = await openTesterGround();
});
afterAll(() => ground?.close());

it('before the first test there are no keys, and strangers cannot make any', async () => {
  const answer = await ask(ground.sidecar, KEYS, { on: 'https', headers: { host: NAME } });
  expect([answer.status, answer.json()['errcode']]).toEqual([404, 'M_NOT_FOUND']);
  expect(await readdir(join(ground.sidecar.folder, 'certs'))).not.toContain('federation-tester');
});

it('a test is signed, the tested server fetches the keys here, and accepts', async () => {
  const { serverName } = await ground.startTarget('signed.test');
  const { body } = await ground.page(serverName);
  expect(body).toContain(`Requests were signed in the name of ${NAME}.`);
  expect(body).not.toContain('Not tested: signed requests');
  const document = await fetchIdentityKeys(ground.sidecar, NAME);
  expect(readKeyDocument(document, NAME, Date.now())).toMatchObject({ ok: true });
});

it('the secret is in the store, for its owner alone', async () => {
  const { mode } = await stat(join(ground.sidecar.folder, 'certs/federation-tester/secret'));
  expect(mode & 0o777).toBe(0o600);
});

it('whoever writes the name as homeservers and people do gets the homeserver', async () => {
  for (const host of ['m.a.test', 'm.a.test:443', 'a.test', 'M.A.TEST:443']) {
    const { status } = await ask(ground.sidecar, KEYS, { on: 'https', headers: { host } });
    // Which is down in this test.
    expect([host, status]).toEqual([host, 502]);
  }
});

it('check --sign signs in the same name, from another process', async () => {
  const { serverName } = await ground.startTarget('command.test');
  const config = join(ground.sidecar.folder, 'sidecar.yaml');
  const args = [
    'check',
    serverName,
    '--sign',
    '--config',
    config,
    '--ca-file',
    join(ground.sidecar.folder, 'none.pem'),
  ];
  expect((await run(args)).err).toContain('cannot be read');
  const ca = ground.caFile;
  const { out, code } = await run([...args.slice(0, -1), ca, '--dns', ground.dns.address]);
  expect([code, out]).toEqual([0, expect.stringContaining(`Requests were signed in the name of ${NAME}.`)]);
  expect(out).not.toContain('Not tested: signed requests');
});
