import { describe, expect, test } from 'vitest';
import type { Encounter } from '../../../src/cli/demo/check-each-other.ts';
import { listCheckCommands, listCurlCommands } from '../../../src/cli/demo/demo-commands.ts';
import type { DemoServer } from '../../../src/cli/demo/demo-server.ts';
import { createPaint, describeOutcome, describeServers } from '../../../src/cli/demo/demo-text.ts';
import { describeColumns, describeRow, describeSteps } from '../../../src/cli/demo/encounter-table.ts';
import { type DemoPlan, planDemo } from '../../../src/cli/demo/plan-demo.ts';
import { writeSigningKey } from '../../../src/cli/demo/signing-key-file.ts';
import type { Resolution } from '../../../src/discovery/resolution.ts';
import { parseServerName } from '../../../src/matrix/server-name.ts';
import { createSigningKey } from '../../../src/matrix/signing.ts';

const plain = createPaint(false);

const plans = planDemo(
  {
    addresses: ['127.0.0.2', '127.0.0.3', '127.0.0.4'],
    https: [443, 443, 443],
    federation: 8448,
    service: 8443,
  },
  '/tmp/a demo',
);
const servers = plans.map(asServer);
const door = { servers, dns: '127.0.0.1:18053', caFile: '/tmp/demo/ca.pem', keyFile: '/tmp/demo/one.signing.key' };

function asServer(plan: DemoPlan): DemoServer {
  const parsed = parseServerName(plan.serverName);
  if (!parsed.ok) throw new Error(parsed.why);
  // Only what is written about it is of interest here.
  const homeserver = { upstream: plan.homeserver } as DemoServer['homeserver'];
  return { ...plan, serverName: parsed.value, homeserver };
}

function meet(from: number, to: number, wrong?: string): Encounter {
  const [one, other] = [servers[from]!, servers[to]!];
  const { step, federation, serverName } = other;
  const looked = (name: string, found: boolean): Resolution['srv'][number] => ({
    name,
    records: found ? [{ target: 'matrix.three.test', port: 8443, priority: 10, weight: 5 }] : [],
    error: undefined,
  });
  const delegated = parseServerName('matrix.two.test:443');
  const steps = step === '6' ? ['3', '4', '5', '6'] : ['3', step];
  const resolution = {
    serverName,
    step,
    destinations: [{ host: 'x', port: federation.port, addresses: { addresses: [federation.host] } }],
    wellKnown: { result: step === '3.2' && delegated.ok ? { ok: true, delegated: delegated.value } : { ok: false } },
    srv: ['_matrix-fed', '_matrix'].map((service) => looked(`${service}._tcp.${serverName.text}`, step === '4')),
    // The last one twice: the second sentence is about --connect-to.
    trace: [...steps, step].map((each) => ({ step: each, what: '', decided: each === step })),
  } as unknown as Resolution;
  return { from: one, to: other, took: 100, resolution, wrong };
}

describe('the text', () => {
  test('has colours only when asked for', () => {
    expect(createPaint(true).good('x')).toBe('\u001b[32mx\u001b[0m');
    expect(describeOutcome('t', { ok: false, seen: 's' }, plain)).toBe('  \u2717 t\n      s\n');
    expect(describeOutcome('t', { ok: true, seen: 's' }, plain)).toBe('  \u2713 t\n      s\n');
  });

  test('names each server, how it is found, and where it listens', () => {
    const text = describeServers(servers, plain);
    expect(text).toContain('  two.test  found by a document: https://two.test/.well-known/matrix/server says');
    expect(text).toContain('sidecar on 127.0.0.3:443, homeserver');
    expect(text).toContain('sidecar on 127.0.0.2:443 and 127.0.0.2:8448');
  });
});

describe('the table', () => {
  test('has a cell for each pair with the step that decided', () => {
    const met = [meet(0, 1), meet(0, 2)];
    expect(describeColumns(servers, plain)).toBe('  from \\ to    one.test     two.test     three.test');
    expect(describeRow(servers[0]!, servers, met, plain)).toBe('  one.test                  ✓ step 3.2   ✓ step 4');
  });

  test('marks what went wrong, and says what', () => {
    const met = [meet(1, 0, 'Nothing listens.')];
    expect(describeRow(servers[1]!, servers, met, plain)).toBe('  two.test     ✗ step 6');
    expect(describeSteps(servers, met, plain).at(-1)).toBe('  two.test → one.test: Nothing listens.');
  });

  test('has the steps on the way to each server below it, each server once', () => {
    expect(describeSteps(servers, [meet(1, 0), meet(2, 0), meet(0, 1), meet(0, 2)], plain)).toEqual([
      '  one.test     3 no well-known document, 4 no _matrix-fed, 5 no _matrix, 6 port 8448 of one.test → 127.0.0.2:8448',
      '  two.test     3 well-known document: matrix.two.test:443, 3.2 port 443 is named → 127.0.0.3:443',
      '  three.test   3 no well-known document, 4 _matrix-fed: matrix.three.test:8443 → 127.0.0.4:8443',
    ]);
  });
});

describe('the commands', () => {
  test('check each server by the demo\u2019s DNS and CA, and one with signed requests', () => {
    const options = '--dns 127.0.0.1:18053 --ca-file /tmp/demo/ca.pem';
    expect(listCheckCommands({ ...door, discovery: { connectTo: [] } }, 'matrix-sidecar')).toEqual([
      `matrix-sidecar check one.test ${options}`,
      `matrix-sidecar check two.test ${options}`,
      `matrix-sidecar check three.test ${options}`,
      `matrix-sidecar check three.test ${options} --identity one.test --key /tmp/demo/one.signing.key`,
    ]);
  });

  test('say where to go for ports that could not be had', () => {
    const connectTo = [{ fromHost: undefined, fromPort: 443, toHost: undefined, toPort: 18443 }];
    const [first] = listCheckCommands({ ...door, discovery: { connectTo } }, 'npm run -s matrix-sidecar --');
    expect(first).toBe(
      'npm run -s matrix-sidecar -- check one.test --dns 127.0.0.1:18053 --ca-file /tmp/demo/ca.pem --connect-to :443::18443',
    );
  });

  test('ask by curl what clients and other servers ask, quoted for a shell', () => {
    const ca = "curl --cacert '/tmp/a '\\''demo'\\''/ca.pem'";
    expect(listCurlCommands({ ...door, caFile: "/tmp/a 'demo'/ca.pem", discovery: { connectTo: [] } })).toEqual([
      `${ca} --resolve two.test:443:127.0.0.3 https://two.test/.well-known/matrix/server`,
      `${ca} --resolve matrix.two.test:443:127.0.0.3 --http2 -i https://matrix.two.test/_matrix/client/versions`,
      `${ca} --resolve matrix.two.test:443:127.0.0.3 'https://matrix.two.test/_matrix/client/v3/sync?timeout=5000'`,
      `${ca} --resolve one.test:8448:127.0.0.2 https://one.test:8448/_matrix/key/v2/server`,
      `${ca} --resolve three.test:8443:127.0.0.4 https://three.test:8443/_matrix/key/v2/server`,
    ]);
  });

  test('come with a key in the form of Synapse', () => {
    const seed = Buffer.alloc(32, 7);
    const text = writeSigningKey(createSigningKey('ed25519:demo', seed));
    expect(text).toBe(`ed25519 demo ${seed.toString('base64').replace('=', '')}\n`);
  });
});
