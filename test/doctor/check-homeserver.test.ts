import { expect, it } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { describeDeployment } from '../../src/cli/doctor/describe-deployment.ts';
import { checkHomeservers } from '../../src/doctor/check-homeserver.ts';
import { readConfig } from '../app/test-config.ts';
import { startHttpUpstream } from '../harness/upstream.ts';

it('each instance of a homeserver is looked at on its own', async ({ onTestFinished }) => {
  const answers: Readonly<Record<string, object>> = {
    '/_matrix/client/versions': { versions: ['v1.15'] },
    '/_matrix/federation/v1/version': { server: { name: 'Synapse', version: '1.160' } },
    '/_matrix/key/v2/server': { server_name: 'a.test' },
  };
  const well = await startHttpUpstream((request, response) => response.end(JSON.stringify(answers[request.url ?? ''])));
  const gone = await startHttpUpstream(() => {});
  await gone.close();
  onTestFinished(() => well.close());
  const config = readConfig(`servers: [{ server_name: a.test, homeserver: ["${well.url}", "${gone.url}"] }]`);
  const [server] = describeDeployment(config, { homeserverYaml: [], privateAuthority: false }).servers;
  const rows = checkHomeservers(server!, { system: realSystem });
  const seen = await Promise.all(rows.map((row) => row.run(new AbortController().signal)));
  expect(rows.map(({ id }, index) => [id, seen[index]!.findings.map((finding) => finding.id)])).toEqual([
    ['homeserver:a.test', []],
    ['homeserver:a.test#2', ['homeserver-unreachable']],
  ]);
});
