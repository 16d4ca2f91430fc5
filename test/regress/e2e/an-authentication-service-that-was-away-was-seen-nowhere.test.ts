import { expect, it } from 'vitest';
import { ask } from '../../harness/client.ts';
import { startInstance } from '../../harness/instances.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { until } from '../../harness/until.ts';

it('the metrics, the status and /readyz know of an authentication service that is away', async (context) => {
  const [main, mas] = await Promise.all(['main', 'mas'].map((name) => startInstance(context, name)));
  const sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "${main!.url}", mas: "${mas!.url}" }]`,
  );
  context.onTestFinished(() => sidecar.close());
  const fetchAdmin = (path: string) => fetch(`http://127.0.0.1:${sidecar.admin}${path}`);
  const admin = async (path: string): Promise<string> => (await fetchAdmin(path)).text();
  const detail = async (): Promise<string | undefined> => {
    const { checks } = (await (await fetchAdmin('/readyz')).json()) as { checks: { name: string; detail: string }[] };
    return checks.find(({ name }) => name === 'authentication service of a.test')?.detail;
  };
  expect(await detail()).toBe(`${mas!.url} answers`);
  expect(await admin('/metrics')).toContain(`matrix_sidecar_homeserver_away{homeserver="${mas!.url}"} 0`);
  await mas!.stop();
  const waiting = ask(sidecar, '/_matrix/client/v3/login', { headers: { host: 'a.test' } });
  const held = async (): Promise<boolean> =>
    (await admin('/metrics')).includes(`matrix_sidecar_requests_held{homeserver="${mas!.url}"} 1`);
  await until('the login waits', held);
  expect(await admin('/metrics')).toContain(`matrix_sidecar_homeserver_away{homeserver="${mas!.url}"} 1`);
  const { servers } = JSON.parse(await admin('/api/status')) as { servers: { requests_held: number }[] };
  expect(servers[0]!.requests_held).toBe(1);
  // A judgement stands for two seconds. It fails for a homeserver alone: chats go on without logins.
  const why = `nobody answers at ${mas!.url}: logins, logouts and refreshes wait`;
  await until('/readyz tells it', async () => (await detail()) === why, 5_000);
  expect((await fetchAdmin('/readyz')).status).toBe(200);
  await mas!.start();
  await waiting;
  const back = (): boolean =>
    sidecar.logged.some(({ sentence }) => sentence.startsWith(`The authentication service at ${mas!.url} is back`));
  await until('the log names it', back);
});
