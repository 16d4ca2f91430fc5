import { expect, it, onTestFinished } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { describeDeployment } from '../../src/cli/doctor/describe-deployment.ts';
import { checkMas } from '../../src/doctor/check-mas.ts';
import { readConfig } from '../app/test-config.ts';
import { startHttpUpstream } from '../harness/upstream.ts';

async function start(paths: Readonly<Record<string, number>>): Promise<string> {
  const server = await startHttpUpstream((request, response) => {
    response.statusCode = paths[request.url ?? ''] ?? 404;
    response.end('{}');
  });
  onTestFinished(() => server.close());
  return server.url;
}

async function look(keys: string): Promise<string[]> {
  const config = readConfig(`servers: [{ server_name: a.test, ${keys} }]`);
  const [server] = describeDeployment(config, { homeserverYaml: [], privateAuthority: false }).servers;
  const rows = checkMas(server!, { system: realSystem });
  const seen = await Promise.all(rows.map((row) => row.run(new AbortController().signal)));
  return seen.flatMap(({ findings }) => findings.map(({ id }) => id));
}

const DELEGATES = { '/_matrix/client/v1/auth_metadata': 200 };
const COMPAT = { '/_matrix/client/v3/login': 200 };

it.each([
  ['nothing, where both are set up', DELEGATES, COMPAT, []],
  ['a listener without logins', DELEGATES, {}, ['mas-no-compat']],
  ['a homeserver that logs people in itself', {}, COMPAT, ['mas-not-in-homeserver']],
  ['nothing of a homeserver that cannot say it now', { '/_matrix/client/v1/auth_metadata': 502 }, COMPAT, []],
] as const)('what is found: %s', async (_, homeserver, mas, expected) => {
  expect(await look(`homeserver: "${await start(homeserver)}", mas: "${await start(mas)}"`)).toEqual(expected);
});

it('a service that is not there is found', async () => {
  expect(await look(`homeserver: "${await start(DELEGATES)}", mas: "http://127.0.0.1:1"`)).toEqual(['mas-unreachable']);
});

it('nothing is looked at where there is none', async () => {
  expect(await look('homeserver: "http://127.0.0.1:1"')).toEqual([]);
});
