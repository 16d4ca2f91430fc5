import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameSetId } from '../../src/acme/names.ts';
import { takeRenewalRequest } from '../../src/acme/renewal-request.ts';
import { readCertificate } from '../../src/acme/stored-certificate.ts';
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';
import { type ScriptedCa, startScriptedCa } from '../harness/scripted-ca.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { hurriedSystem } from '../tls/hurried-system.ts';
import {
  asTranscript,
  type Bench,
  certificateFor,
  NAMES,
  openBench,
  root,
  SERVERS,
  transcript,
} from './certs-bench.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.close());

const SET = nameSetId(NAMES);
const OTHER = `${SERVERS}  - { server_name: other.example.org, homeserver: "http://o" }\n`;

describe('certs renew without a running sidecar', () => {
  it('leaves the wish in the store, and says that it is heeded when one starts', async () => {
    const ran = await bench.run(['renew'], { terminal: true });
    await expect(asTranscript('renew', ran)).toMatchFileSnapshot(transcript('renew-none-running'));
    expect(ran.code).toBe(0);
    expect(await takeRenewalRequest(bench.store)).toEqual({ sets: 'all' });
    // The sidecar that starts next must not find the place of the keeper taken.
    const lease = await bench.store.acquireLease('acme-keeper');
    expect(lease).toBeDefined();
    await lease?.release();
  });

  it.each(['example.com', 'matrix.example.com', 'Matrix.Example.Com'])(
    'asks for the certificate of %s alone',
    async (name) => {
      bench.configure(OTHER);
      expect((await bench.run(['renew', name])).out).toMatch(
        /^Asked for a new certificate for example\.com, matrix\.example\.com\.\nNo sidecar/,
      );
      expect(await takeRenewalRequest(bench.store)).toEqual({ sets: [SET] });
    },
  );

  it('adds to what was asked for before', async () => {
    bench.configure(`${OTHER}  - { server_name: third.example.org, homeserver: "http://t" }\n`);
    await bench.run(['renew', 'example.com']);
    await bench.run(['renew', 'other.example.org']);
    await bench.run(['renew', 'example.com']);
    expect(await takeRenewalRequest(bench.store)).toEqual({ sets: [SET, nameSetId(['other.example.org'])] });
    await bench.run(['renew']);
    await bench.run(['renew', 'example.com']);
    expect(await takeRenewalRequest(bench.store)).toEqual({ sets: 'all' });
  });

  it('asks for nothing when one of the names is unknown, and names those that there are', async () => {
    bench.configure(OTHER);
    expect(await bench.run(['renew', 'example.com', 'exmaple.com'])).toEqual({
      code: 1,
      out: '',
      err: 'No certificate of this configuration is for "exmaple.com"; there are example.com, matrix.example.com, other.example.org.\n',
    });
    expect(await bench.store.list('')).toEqual([]);
  });

  it.each([
    [
      'local',
      [],
      "No certificate of this configuration is from a CA. The sidecar's development CA renews it by itself.\n",
    ],
    [
      'local',
      ['example.com'],
      "The certificate for example.com is not from a CA. The sidecar's development CA renews it by itself.\n",
    ],
    [
      'files',
      [],
      'No certificate of this configuration is from a CA. To renew it, replace its files: they are watched.\n',
    ],
    [
      'files',
      ['a.org'],
      'The certificate for a.org is not from a CA. To renew it, replace its files: they are watched.\n',
    ],
  ])('says that no CA is asked with certificates: %s and %j', async (kind, names, err) => {
    const mine = certificateFor(['a.org'], 45);
    bench.write('a.pem', mine.keyPem + mine.certPem + root.certPem);
    const files =
      'servers: [{ server_name: a.org, homeserver: "http://a", certificate: { cert: a.pem, key: a.pem } }]\n';
    bench.configure(kind === 'local' ? `${SERVERS}certificates: local\n` : files);
    expect(await bench.run(['renew', ...names])).toEqual({ code: 1, out: '', err });
  });
});

describe('certs renew with a running sidecar', () => {
  let ca: ScriptedCa;
  let dns: TestDnsServer;
  let sidecar: TestSidecar;
  beforeEach(async () => {
    ca = await startScriptedCa();
    dns = await startDnsServer((_name, type) => (type === 'A' ? [['A', '127.0.0.1']] : []));
    await writeFile(join(bench.folder, 'ca.pem'), ca.caPem);
    sidecar = await startTestSidecar(
      `
servers: [{ server_name: example.com, homeserver: "http://127.0.0.1:9", delegate_to: "matrix.example.com:443" }]
certificates: acme
acme: { directory: "${ca.directoryUrl}", ca_file: "${join(bench.folder, 'ca.pem')}", challenges: [http-01], resolvers: ["${dns.address}"] }
`,
      { folder: bench.folder, system: hurriedSystem },
    );
    ca.rules.httpPort = sidecar.http;
    await until(async () => (await fingerprint()) !== undefined);
  });
  afterEach(async () => {
    await sidecar.close();
    await ca.close();
    await dns.close();
  });

  const fingerprint = async (): Promise<string | undefined> =>
    (await readCertificate(bench.store, SET))?.certificate.fingerprint256;

  it('on a terminal waits for the new certificate, and shows that it waits', async () => {
    const before = await fingerprint();
    const { code, out, err } = await bench.run(['renew', 'example.com'], { terminal: true, system: hurriedSystem });
    expect(out).toMatch(
      /^Asked for a new certificate for example\.com, matrix\.example\.com\.\nNew certificate for example\.com, matrix\.example\.com: \d+ days left, until .* UTC\.\n$/,
    );
    expect(code).toBe(0);
    expect(err).toContain('\r\u001b[KWaiting for example.com, matrix.example.com: ');
    expect(await fingerprint()).not.toBe(before);
    expect(ca.count('new-order')).toBe(2);
  });

  it('through a pipe waits as well, without showing it', async () => {
    const before = await fingerprint();
    const { code, out, err } = await bench.run(['renew'], { system: hurriedSystem });
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/\nNew certificate for example\.com, matrix\.example\.com: \d+ days left, until .* UTC\.\n$/);
    expect(await fingerprint()).not.toBe(before);
  });

  it('that paces renewals says why it does not order and until when, here and in the list, and exits 1', async () => {
    for (const _ of [1, 2]) {
      const { code, out } = await bench.run(['renew'], { system: hurriedSystem });
      if (code === 1) break;
      expect(out).toContain('New certificate for');
    }
    const { code, err } = await bench.run(['renew'], { system: hurriedSystem });
    expect(code).toBe(1);
    const why =
      'The operator asked for it\\. No order for example\\.com, matrix\\.example\\.com before .* UTC: 2 certificates for exactly these names in .* are enough where they replace each other\\.';
    expect(err).toMatch(new RegExp(`^Not renewed yet\\. ${why} The running sidecar does it then\\.\n$`));
    expect((await bench.run(['list'], { system: hurriedSystem })).out).toMatch(new RegExp(`next +.* UTC\\. ${why}\n`));
    expect(
      sidecar.logged.filter(({ sentence }) => sentence.includes('enough where they replace each other')),
    ).toHaveLength(1);
  });

  it.each([
    { terminal: false, args: ['--no-wait'] },
    { terminal: true, args: ['--no-wait'] },
  ])('returns at once with $args, terminal: $terminal, and it happens all the same', async ({ terminal, args }) => {
    const before = await fingerprint();
    const ran = await bench.run(['renew', ...args], { terminal, system: hurriedSystem });
    await expect(asTranscript('renew', ran)).toMatchFileSnapshot(transcript('renew-no-wait'));
    await until(async () => (await fingerprint()) !== before);
  });

  it("gives the CA's words when it refuses, and exits 1", async () => {
    const body = { type: 'urn:ietf:params:acme:error:rejectedIdentifier', detail: 'Not this name' };
    ca.script('new-order', ...Array.from({ length: 4 }, () => ({ answer: { status: 403, body } })));
    const { code, out, err } = await bench.run(['renew'], { terminal: true, system: hurriedSystem });
    expect(code).toBe(1);
    expect(out).toBe('Asked for a new certificate for example.com, matrix.example.com.\n');
    expect(err).toMatch(
      /No new certificate for example\.com, matrix\.example\.com: .* says: Not this name \(rejectedIdentifier\)\. Next attempt .* UTC\.\n$/,
    );
  });
});

describe('a command that waits', () => {
  it('keeps its process running although timers of the system do not', () => {
    const code = `
      import { stayAlive } from ${JSON.stringify(new URL('../../src/base/stay-alive.ts', import.meta.url).href)};
      const letGo = stayAlive();
      setTimeout(() => { console.log('waited'); letGo(); }, 200).unref();`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', timeout: 10_000 });
    expect([run.status, run.stdout]).toEqual([0, 'waited\n']);
  });
});

async function until(holds: () => Promise<boolean>, patience = 15_000): Promise<void> {
  for (const end = performance.now() + patience; !(await holds()); ) {
    if (performance.now() > end) throw new Error(`not within ${patience} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
