import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { choosePorts } from '../../../src/cli/demo/choose-ports.ts';
import type { DemoServer } from '../../../src/cli/demo/demo-server.ts';
import { createPaint, describeOutcome, describeServers, listCurlCommands } from '../../../src/cli/demo/demo-text.ts';
import { type DemoPlan, planDemo, WANTED_PORTS } from '../../../src/cli/demo/plan-demo.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { parseServerName } from '../../../src/matrix/server-name.ts';

const plans = planDemo(WANTED_PORTS, '/tmp/a demo');

function asServer(plan: DemoPlan): DemoServer {
  const parsed = parseServerName(plan.serverName);
  if (!parsed.ok) throw new Error(parsed.why);
  // Only what is written about it is of interest here.
  const homeserver = { upstream: plan.homeserver } as DemoServer['homeserver'];
  return { ...plan, serverName: parsed.value, homeserver };
}

describe('the plan', () => {
  test('has one server for each way of being found', () => {
    expect(plans.map(({ serverName, federation }) => [serverName, federation.sni, federation.hostHeader])).toEqual([
      ['one.localhost:18448', 'one.localhost', 'one.localhost:18448'],
      ['two.localhost', 'matrix.two.localhost', 'matrix.two.localhost:28443'],
      ['127.0.0.1:30448', undefined, '127.0.0.1:30448'],
    ]);
  });

  test.each(plans.map((plan) => [plan.name, plan] as const))(
    'writes a configuration for %s that has no errors',
    (_, plan) => {
      const text = plan.writeConfig({ kind: 'tcp', host: '127.0.0.1', port: 8008, text: 'http://127.0.0.1:8008' });
      const loaded = loadConfig({ file: 'x.yaml', env: {}, cwd: '/tmp', readFile: () => Buffer.from(text) });
      expect(loaded).toMatchObject({ ok: true });
      const config = loaded.ok ? loaded.config : undefined;
      expect(config?.servers[0]?.serverName.text).toBe(plan.serverName);
      expect(config?.listen.https.map((address) => address.text)).toEqual([`127.0.0.1:${plan.httpsPort}`]);
      expect(config?.listen.http).toEqual([]);
      expect(config?.certificates).toBe('local');
    },
  );
});

describe('choosing ports', () => {
  test('takes another one where the wanted one is in use or asked for twice', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    try {
      const [first, second, third] = await choosePorts([port, 0, 0]);
      expect(first).not.toBe(port);
      expect(new Set([first, second, third, port]).size).toBe(4);
      const [free, again] = await choosePorts([first!, first!]);
      expect(free).toBe(first);
      expect(again).not.toBe(first);
    } finally {
      await new Promise((resolve) => taken.close(resolve));
    }
  });
});

describe('the text', () => {
  const plain = createPaint(false);

  test('has colours only when asked for', () => {
    expect(createPaint(true).good('x')).toBe('\u001b[32mx\u001b[0m');
    expect(describeOutcome('t', { ok: false, seen: 's' }, plain)).toBe('  \u2717 t\n      s\n');
    expect(describeOutcome('t', { ok: true, seen: 's' }, plain)).toBe('  \u2713 t\n      s\n');
  });

  test('names each server, how it is found, and where it listens', () => {
    const text = describeServers(plans.map(asServer), plain);
    expect(text).toContain('  two.localhost\n    found by delegation');
    expect(text).toContain('sidecar on 127.0.0.1:28443, homeserver');
    expect(text).toContain('sidecar on 127.0.0.1:18443 and 127.0.0.1:18448');
  });

  test('gives curl lines that can be pasted', () => {
    expect(listCurlCommands(plans.map(asServer), "/tmp/a 'demo'/ca.pem")).toEqual([
      "curl --cacert '/tmp/a '\\''demo'\\''/ca.pem' --resolve two.localhost:28443:127.0.0.1 https://two.localhost:28443/.well-known/matrix/server",
      "curl --cacert '/tmp/a '\\''demo'\\''/ca.pem' --resolve matrix.two.localhost:28443:127.0.0.1 --http2 -i https://matrix.two.localhost:28443/_matrix/client/versions",
      "curl --cacert '/tmp/a '\\''demo'\\''/ca.pem' --resolve matrix.two.localhost:28443:127.0.0.1 'https://matrix.two.localhost:28443/_matrix/client/v3/sync?timeout=5000'",
      "curl --cacert '/tmp/a '\\''demo'\\''/ca.pem' --resolve one.localhost:18448:127.0.0.1 https://one.localhost:18448/_matrix/key/v2/server",
      "curl --cacert '/tmp/a '\\''demo'\\''/ca.pem' https://127.0.0.1:30448/_matrix/federation/v1/version",
    ]);
  });
});
