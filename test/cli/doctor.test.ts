import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addDoctorCommand } from '../../src/cli/doctor-command.ts';
import { type CliIo, wireCommand } from '../../src/cli/io.ts';
import { createFileStore } from '../../src/store/files.ts';
import { type DoctorBench, openDoctorBench, type Ran, usualServers } from './doctor-bench.ts';

let bench: DoctorBench;
beforeEach(async () => {
  bench = await openDoctorBench();
});
afterEach(() => bench.close());

const transcript = (name: string): string => join(import.meta.dirname, '../golden/doctor', `${name}.txt`);
const asTranscript = (args: string, { code, out, err }: Ran): string =>
  `$ matrix-sidecar doctor${args}\n${out}${err === '' ? '' : `--- stderr\n${err}`}--- exit ${code}\n`;

const SYNAPSE = (port: number): string => `server_name: example.test
listeners:
  - port: ${port}
    type: http
    bind_addresses: [127.0.0.1]
    resources: [{ names: [client] }]
serve_server_wellknown: true
ip_range_blacklist: []
trusted_key_servers: []
registration_shared_secret: hunter2
`;

describe('doctor', () => {
  it('says that nothing is wrong, and exits 0', async () => {
    await bench.start();
    const ran = await bench.run();
    await expect(asTranscript('', ran)).toMatchFileSnapshot(transcript('healthy'));
    expect(ran.code).toBe(0);
  });

  it('begins with what is wrong, ends with what to do, and exits 1', async () => {
    // The tester's requests would wait for the homeserver, which is not to come back.
    bench.configure(`${usualServers(bench.ports)}limits: { hold: 0s }\n`);
    await bench.start();
    await bench.homeserver.stop();
    bench.write('homeserver.yaml', SYNAPSE(bench.ports.homeserver));
    const ran = await bench.run(['--homeserver-yaml', 'homeserver.yaml']);
    // What other servers meet is told in the tester's own words, which are tested elsewhere.
    const out = ran.out.replace(/(Other servers can reach example\.test\n)(?: {6}.*\n)+/, '$1      ...\n');
    const some = out.replace(/ And \d+ more problems?\./, ' And N more problems.');
    await expect(asTranscript(' --homeserver-yaml homeserver.yaml', { ...ran, out: some })).toMatchFileSnapshot(
      transcript('homeserver-yaml'),
    );
    expect(ran.code).toBe(1);
    expect(ran.out + ran.err).not.toContain('hunter2');
  });

  it("finds Synapse's configuration by the key homeserver_yaml too", async () => {
    bench.write('homeserver.yaml', SYNAPSE(bench.ports.homeserver));
    bench.configure(`${usualServers(bench.ports)}    homeserver_yaml: [homeserver.yaml, more.yaml]\n`);
    bench.write('more.yaml', 'server_name: other.test\n');
    const [row] = await bench.rows(/^homeserver-yaml/);
    expect(row?.seen).toContain('homeserver.yaml, ');
    expect(row?.findings.map(({ id }) => id)).toContain('synapse-server-name-differs');
  });

  it('names every error of a configuration that does not load, and goes no further', async () => {
    bench.configure('servers: [{ server_name: "https://a", homeserver: "https://b" }]\nlsten: 1\n');
    const ran = await bench.run();
    await expect(asTranscript('', ran)).toMatchFileSnapshot(transcript('config-errors'));
    expect(ran.code).toBe(1);
  });

  it('says in its last line what to do where there is no configuration at all', async () => {
    rmSync(join(bench.folder, 'sidecar.yaml'));
    let out = '';
    const io: CliIo = {
      ...{ env: {}, cwd: bench.folder, isTerminal: false, colour: false, exitCode: 0, stderr: () => {} },
      stdout(text) {
        out += text;
      },
    };
    const program = wireCommand(new Command('matrix-sidecar'), io);
    addDoctorCommand(program, io);
    await program.parseAsync(['doctor'], { from: 'user' });
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toContain('there is no configuration: config/sidecar.yaml does not exist');
    expect(lines).toContain('            SERVER_NAME=example.com');
    expect(lines.at(-1)).toBe('Next: Set these two variables. The exact lines are above. (environment)');
    expect(io.exitCode).toBe(1);
  });

  it('speaks to machines: TAP', async () => {
    await bench.start();
    bench.zone.delete('matrix.example.test');
    const ran = await bench.run(['--format', 'tap']);
    await expect(asTranscript(' --format tap', ran)).toMatchFileSnapshot(transcript('tap'));
  });

  it('speaks to machines: JSON, one document', async () => {
    bench.write('homeserver.yaml', 'server_name: example.test\n\tlisteners: []\n');
    const ran = await bench.run(['--format', 'json', '--homeserver-yaml', 'homeserver.yaml']);
    const document = JSON.parse(ran.out) as Record<string, unknown> & { rows: Record<string, unknown>[] };
    expect(Object.keys(document)).toEqual(['ok', 'summary', 'next', 'count', 'rows']);
    expect(document).toMatchObject({ ok: false, count: { error: 3 } });
    expect(document.rows[2]).toEqual({
      id: 'homeserver-yaml:example.test',
      title: 'Synapse of example.test is configured for the sidecar',
      state: 'error',
      seen: 'it could not be read',
      took_ms: expect.any(Number),
      findings: [
        {
          id: 'synapse-yaml',
          severity: 'error',
          what: 'FOLDER/homeserver.yaml, line 2: a tab stands in the indentation, where YAML allows spaces only.',
          fix: 'Replace the tab by spaces.',
          lines: [],
          file: 'FOLDER/homeserver.yaml',
          line: 2,
        },
      ],
    });
  });

  it('shows on a terminal what it is at, and in colour what is good and bad', async () => {
    await bench.start();
    const ran = await bench.run([], { isTerminal: true, colour: true });
    expect(ran.err).toContain('\r\u001b[K2/14 Synapse of example.test is configured for the sidecar ...\r\u001b[K');
    expect(ran.err.endsWith('\r\u001b[K')).toBe(true);
    expect(ran.out).toContain('\u001b[32m✓\u001b[0m The homeserver of example.test answers');
  });

  it('can be run as often as one likes, and leaves nothing but the key in the store', async () => {
    const store = createFileStore(join(bench.folder, 'certs'));
    await bench.run();
    const key = await store.read('doctor/probe-key');
    await bench.run();
    expect(await store.list('')).toEqual(['doctor/probe-key']);
    expect(await store.read('doctor/probe-key')).toEqual(key);
    rmSync(join(bench.folder, 'certs'), { recursive: true });
  });

  it.each([
    [['--format', 'xml'], /argument 'xml' is invalid/],
    [['--dns', 'https://1.1.1.1'], /error: --dns/],
    [['--connect-to', 'nonsense'], /error: --connect-to/],
    [['--nonsense'], /unknown option/],
  ])('%j is wrong usage: exit 2', async (args, words) => {
    const ran = await bench.run(args);
    expect([ran.code, ran.out]).toEqual([2, '']);
    expect(ran.err).toMatch(words);
  });

  it('says what is wrong with a file of authorities', async () => {
    bench.write('ca.pem', 'nothing');
    const ran = await bench.run(['--ca-file', 'ca.pem']);
    expect([ran.code, ran.out]).toEqual([1, '']);
    expect(ran.err).toMatch(/^--ca-file FOLDER\/ca\.pem cannot be used: there is no certificate/);
  });
});
