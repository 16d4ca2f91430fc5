import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { choosePlaces, type DemoPlaces } from '../../../src/cli/demo/choose-places.ts';
import { choosePorts } from '../../../src/cli/demo/choose-ports.ts';
import { writeConnectTo } from '../../../src/cli/demo/demo-commands.ts';
import { listConnectTo, planDemo } from '../../../src/cli/demo/plan-demo.ts';
import { loadConfig } from '../../../src/config/load-config.ts';

const REAL: DemoPlaces = {
  addresses: ['127.0.0.2', '127.0.0.3', '127.0.0.4'],
  https: [443, 443, 443],
  federation: 8448,
  service: 8443,
};
const UNPRIVILEGED: DemoPlaces = { ...REAL, https: [18443, 18443, 18443], federation: 18448 };
const ONE_ADDRESS: DemoPlaces = {
  addresses: ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
  https: [443, 18443, 28443],
  federation: 8448,
  service: 8443,
};

describe('the plan', () => {
  test('has one server for each way of being found: port 8448, a well-known document, SRV records', () => {
    const plans = planDemo(REAL, '/tmp/a demo');
    expect(plans.map(({ serverName, step, federation }) => [serverName, step, federation])).toEqual([
      ['one.test', '6', { host: '127.0.0.2', port: 8448, sni: 'one.test', hostHeader: 'one.test' }],
      ['two.test', '3.2', { host: '127.0.0.3', port: 443, sni: 'matrix.two.test', hostHeader: 'matrix.two.test:443' }],
      ['three.test', '4', { host: '127.0.0.4', port: 8443, sni: 'three.test', hostHeader: 'three.test' }],
    ]);
    const services = plans.flatMap(({ records }) => records.filter(({ type }) => type === 'SRV'));
    expect(services.map(({ name }) => name)).toEqual(['_matrix-fed._tcp.three.test', '_matrix._tcp.three.test']);
  });

  test.each([
    ['one', REAL],
    ['two', REAL],
    ['three', REAL],
    ['one', ONE_ADDRESS],
    ['two', UNPRIVILEGED],
  ])('writes a configuration for %s that has no errors', (name, places) => {
    const plan = planDemo(places, '/tmp/a demo').find((each) => each.name === name)!;
    const text = plan.writeConfig({ kind: 'tcp', host: '127.0.0.1', port: 8008, text: 'http://127.0.0.1:8008' });
    const loaded = loadConfig({ file: 'x.yaml', env: {}, cwd: '/tmp', readFile: () => Buffer.from(text) });
    expect(loaded).toMatchObject({ ok: true, notices: [] });
    const config = loaded.ok ? loaded.config : undefined;
    expect(config?.servers[0]?.serverName.text).toBe(plan.serverName);
    expect(config?.listen.https.map((address) => address.text)).toEqual([`${plan.web.host}:${plan.web.port}`]);
    expect(config?.listen.http).toEqual([]);
    expect(config?.certificates).toBe('local');
  });

  test.each([
    ['nothing where the real ports could be had', REAL, []],
    ['one rule for a port where one port stands for it everywhere', UNPRIVILEGED, [':443::18443', ':8448::18448']],
    [
      'a rule for each name where all share an address',
      ONE_ADDRESS,
      ['two.test:443::18443', 'matrix.two.test:443::18443', 'three.test:443::28443', 'matrix.three.test:443::28443'],
    ],
  ])('tells others %s', (_, places, rules) => {
    expect(listConnectTo(planDemo(places, '/tmp')).map(writeConnectTo)).toEqual(rules);
  });
});

describe('choosing places', () => {
  test('gives ports that are free and do not come twice', async () => {
    const { addresses, https, federation, service } = await choosePlaces();
    const places = [
      ...https.map((port, i) => `${addresses[i]}:${port}`),
      `${addresses[0]}:${federation}`,
      `${addresses[2]}:${service}`,
    ];
    expect(new Set(places).size).toBe(5);
  });

  test('makes do with 127.0.0.1 on a machine without the other addresses', async () => {
    const { addresses, https } = await choosePlaces(['203.0.113.2', '203.0.113.3', '203.0.113.4']);
    expect(addresses).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
    expect(new Set(https).size).toBe(3);
  });

  test('takes other ports where the wanted ones are in use', async () => {
    const first = await choosePlaces();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(first.federation, first.addresses[0], resolve));
    try {
      const second = await choosePlaces();
      expect(second.federation).not.toBe(first.federation);
    } finally {
      await new Promise((resolve) => taken.close(resolve));
    }
  });
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
