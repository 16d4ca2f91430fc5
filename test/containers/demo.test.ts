import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { askHttp1, type ClientAnswer, type Endpoint } from '../peers/https-client.ts';
import { type MatrixUser, registerUser } from '../peers/matrix-user.ts';
import { whyNoCompose } from './compose.ts';
import {
  createDemoProject,
  type Demo,
  DNS_ADDRESS,
  readCertificate,
  SERVERS,
  type ServerOfDemo,
  startDemo,
} from './demo.ts';
import { countMessages, sayAgainAndAgain, startTalk } from './demo-talk.ts';

const missing = await whyNoCompose();
if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('docker compose is here, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}

const SIDECARS = ['sidecar-one', 'sidecar-one-too', 'sidecar-two', 'sidecar-three'] as const;
/** Each pair of servers: whose sidecar checks, whom, and by which steps of the specification it is found. */
const PAIRS: readonly (readonly [from: ServerOfDemo, to: ServerOfDemo, step: RegExp])[] = [
  ['one', 'two', /^ +3\.2 /m],
  ['one', 'three', /^ +4 /m],
  ['two', 'one', /^ +6 /m],
  ['two', 'three', /^ +4 /m],
  ['three', 'one', /^ +6 /m],
  ['three', 'two', /^ +3\.2 /m],
];
const get = (endpoint: Endpoint, path: string): Promise<ClientAnswer> => askHttp1(endpoint, { method: 'GET', path });

// The reporter folds a suite that is skipped as a whole, its name included.
if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`The demo of deploy/demo${why}`, () => {
  const project = createDemoProject(`demo-test-${process.pid}`);
  let demo: Demo;
  let room: string;
  let whatWasLast: string | undefined;
  const users = new Map<ServerOfDemo, MatrixUser>();
  const user = (server: ServerOfDemo): MatrixUser => users.get(server)!;

  beforeAll(async () => {
    try {
      demo = await startDemo(project);
    } catch (error) {
      whatWasLast = await project.describe();
      throw error;
    }
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') whatWasLast ??= await project.describe();
  });
  afterAll(async () => {
    if (whatWasLast !== undefined) console.error(whatWasLast);
    await project.close();
  });

  test.each([
    [20_443, 'one.test'],
    [20_448, 'one.test'],
    [20_444, 'one.test'],
    [21_443, 'two.test'],
    [21_443, 'matrix.two.test'],
    [22_443, 'matrix.three.test'],
    [22_448, 'three.test'],
  ] as const)('serves a certificate of Pebble on port %i for %s', async (port, name) => {
    const { issuer, names } = await readCertificate(port, name, demo.root);
    expect(issuer).toMatch(/^Pebble Intermediate CA/);
    expect(names).toContain(`DNS:${name}`);
  });

  test('has ordered one certificate for the two sidecars of one.test', async () => {
    const [first, second] = await Promise.all(
      [20_443, 20_444].map((port) => readCertificate(port, 'one.test', demo.root)),
    );
    expect(first!.serial).toBe(second!.serial);
  });

  test.each(PAIRS)('the sidecar of %s.test finds federation with %s.test to work', async (from, to, step) => {
    // Its exit code is not 0 where it does not work.
    const words = [
      'exec',
      '--no-TTY',
      `sidecar-${from}`,
      'matrix-sidecar',
      'check',
      `${to}.test`,
      '--ca-file',
      '/trust/root.pem',
    ];
    const report = await project.compose(...words);
    expect(report).toMatch(new RegExp(`^Federation with ${to}\\.test works`));
    expect(report).toMatch(step);
  });

  test('three people register, and meet in a room', async () => {
    for (const server of SERVERS) users.set(server, await registerUser(demo.clients[server], `person-of-${server}`));
    const made = await user('one').call('POST', '/_matrix/client/v3/createRoom', {
      preset: 'public_chat',
      room_alias_name: 'demo',
    });
    room = String(made['room_id']);
    for (const server of ['two', 'three'] as const) {
      const joined = await user(server).call('POST', '/_matrix/client/v3/join/%23demo:one.test', {});
      expect(joined).toEqual({ room_id: room });
    }
  });

  test.each(SERVERS)('what is said on %s.test is read on all three', async (server) => {
    const text = `said on ${server}`;
    const eventId = await user(server).say(room, text);
    for (const reader of SERVERS) expect(await user(reader).waitForEvent(room, eventId)).toBe(text);
  });

  test('a Synapse is restarted under chat: nothing is lost or doubled, and no other server stays away', async () => {
    const talk = startTalk([...users.values()], room);
    const inBackOff = new Set<string>();
    const look = async () => (await demo.listBackOff('two.test')).forEach((server) => void inBackOff.add(server));
    await sleep(2_000);
    await project.compose('restart', '--timeout', '10', 'synapse-two');
    await sayHello('synapse-two');
    await look();
    await project.compose('up', '--detach', '--wait', '--no-deps', 'synapse-two');
    await sleep(5_000);
    await look();
    const said = await talk.end();
    expect(said.failures).toEqual([]);
    expect(said.texts.length).toBeGreaterThan(30);
    for (const server of SERVERS) {
      expect([server, await countMessages(user(server), room, said.texts)]).toEqual([
        server,
        { missing: [], doubled: [] },
      ]);
    }
    await look();
    expect([...inBackOff]).toEqual([]);
  });

  test('one of the two sidecars of one.test is enough', async () => {
    await project.compose('stop', 'sidecar-one');
    const other = await registerUser({ ...demo.clients.one, port: 20_444 }, 'person-beside');
    await other.call('POST', '/_matrix/client/v3/join/%23demo:one.test', {});
    const eventId = await user('two').say(room, 'to the other one');
    expect(await other.waitForEvent(room, eventId)).toBe('to the other one');
    await project.compose('up', '--detach', '--wait', '--no-deps', 'sidecar-one');
    expect(await project.inspect(await project.containerOf('sidecar-one'), '{{.State.Health.Status}}')).toBe('healthy');
  });

  test.each([
    ['sidecar-three', 22_443, 'matrix.three.test', 'its files'],
    ['sidecar-two', 21_443, 'two.test', 'PostgreSQL'],
  ] as const)(
    '%s is made anew and serves the certificate of port %i for %s from %s, without an order',
    async (service, port, name, _from) => {
      const before = { issued: await demo.countIssued(), container: await project.containerOf(service) };
      const { serial } = await readCertificate(port, name, demo.root);
      const fresh = ['--no-deps', '--force-recreate'];
      await project.compose('up', '--detach', '--wait', ...fresh, service);
      expect(await project.containerOf(service)).not.toBe(before.container);
      expect((await readCertificate(port, name, demo.root)).serial).toBe(serial);
      expect(before.issued).toBeGreaterThan(2);
      expect(await demo.countIssued()).toBe(before.issued);
    },
  );

  test('PostgreSQL goes and comes: certificates, documents and keys are served on, and nothing is ordered', async () => {
    const { serial } = await readCertificate(21_443, 'two.test', demo.root);
    const issued = await demo.countIssued();
    await project.compose('stop', 'postgres');
    expect((await readCertificate(21_443, 'two.test', demo.root)).serial).toBe(serial);
    const web = { ...demo.clients.two, name: 'two.test' };
    const document = await get(web, '/.well-known/matrix/server');
    expect([document.status, JSON.parse(document.body.toString())]).toEqual([
      200,
      { 'm.server': 'matrix.two.test:443' },
    ]);
    expect((await get(demo.clients.two, '/_matrix/key/v2/server')).status).toBe(200);
    await project.compose('up', '--detach', '--wait', '--no-deps', 'postgres');
    await sayHello('postgres');
    for (const port of [20_910, 20_911, 21_910]) expect(await becomesReady(port)).toBe(true);
    // Synapse finds its database again by itself, and may take a moment for it.
    const eventId = await sayAgainAndAgain(user('two'), room, 'after the database');
    expect(await user('two').waitForEvent(room, eventId)).toBe('after the database');
    expect(await demo.countIssued()).toBe(issued);
  });

  test.each(SIDECARS)('%s has no root, no capability and no file system to write to', async (service) => {
    const container = await project.containerOf(service);
    expect(await project.inspect(container, '{{.HostConfig.ReadonlyRootfs}}')).toBe('true');
    const status = await readStatus(service, container);
    expect(status).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m);
    expect(status).toMatch(/^CapPrm:\t0{16}\nCapEff:\t0{16}\nCapBnd:\t0{16}\nCapAmb:\t0{16}$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    const write = `try { require('fs').writeFileSync('/app/x', ''); 'written' } catch (error) { error.code }`;
    expect(await project.evaluate(write, service)).toBe('EROFS');
  });

  test('no sidecar logged an error', async () => {
    const log = await project.compose('logs', '--no-color', '--no-log-prefix', ...SIDECARS);
    expect(log.split('\n').filter((line) => /"level":(50|60|"error"|"fatal")/.test(line))).toEqual([]);
  });

  test('leaves nothing behind when it is taken down', async () => {
    expect((await project.remains()).length).toBeGreaterThan(10);
    // Volumes without a name would not be found among what remains.
    for (const service of SIDECARS) {
      const mounts = await project.inspect(await project.containerOf(service), '{{range .Mounts}}{{.Name}} {{end}}');
      expect(mounts.split(' ').filter((name) => /^[0-9a-f]{64}$/.test(name))).toEqual([]);
    }
    await project.compose('down', '--volumes', '--timeout', '10');
    expect(await project.remains()).toEqual([]);
  });

  /** What the admin listener at this port says within half a minute. */
  async function becomesReady(port: number): Promise<boolean> {
    for (let attempt = 0; attempt < 60; attempt += 1) {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
      if (answer?.ok) return true;
      await sleep(500);
    }
    return false;
  }

  /** From outside, as the kernel has it; from inside where the engine is on another machine. */
  async function readStatus(service: string, container: string): Promise<string> {
    const pid = await project.inspect(container, '{{.State.Pid}}');
    return readFile(`/proc/${pid}/status`, 'utf8').catch(() =>
      project.evaluate(`require('fs').readFileSync('/proc/1/status', 'utf8')`, service),
    );
  }

  /** Some engines give a container another hardware address when it starts again; its neighbours learn it from a packet. */
  async function sayHello(service: string): Promise<void> {
    await project.compose('exec', '--no-TTY', service, 'bash', '-c', `echo >/dev/udp/${DNS_ADDRESS}/9`);
  }
});
