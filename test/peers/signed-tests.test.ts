import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../cli/check-bench.ts';
import { publicReport } from '../federation-tester/public-schema.ts';
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';
import { createTestAuthority } from './authority.ts';
import { type SidecarProcess, startSidecar } from './sidecar.ts';
import { type Synapse, startSynapse, whyNoSynapse } from './synapse.ts';
import { startWebServer, type WebServer, whyNoWebServer } from './web-server.ts';

const missing = await whyNoSynapse();
const missingNginx = missing ?? whyNoWebServer('nginx');
const wanting = missing ?? missingNginx;
if (wanting !== undefined && process.env['REQUIRE_PEERS'] === '1') throw new Error(wanting);

/** The tested server, and the one whose sidecar tests. */
const HOSTS: Readonly<Record<string, string>> = {
  'hs1.test': '127.0.1.11',
  'hs2.test': '127.0.1.12',
  'matrix.hs2.test': '127.0.1.12',
};
const SYNAPSE = 18_018;
const FRONT = 18_449;
const ADMIN = '127.0.1.12:9010';

let folder: string;
let caFile: string;
let dns: TestDnsServer;
let synapse: Synapse;
let certificate: { readonly cert: string; readonly key: string };
const sidecars: SidecarProcess[] = [];

async function startAll(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'sidecar-signed-'));
  const authority = createTestAuthority('Test authority of signed tests');
  caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, authority.pem);
  certificate = authority.issue(folder, 'hs1.test', ['hs1.test']);
  const tester = authority.issue(folder, 'hs2.test', ['hs2.test', 'matrix.hs2.test']);
  dns = await startDnsServer((name, type) => (type === 'A' && HOSTS[name] !== undefined ? [['A', HOSTS[name]]] : []));
  const write = (name: string, port: number, lines: string, files: typeof certificate): string => `servers:
  - server_name: ${name}
    homeserver: http://127.0.0.1:${port}
    ${lines}
    certificate: { cert: ${files.cert}, key: ${files.key} }
listen: { https: "${HOSTS[name]}:443", federation: "${HOSTS[name]}:8448", http: off, admin: "${HOSTS[name]}:9010" }
certificates: files
acme: { resolvers: ["${dns.address}"] }
federation_tester: { ca_file: ${caFile} }
store: store
log: { requests: all }
`;
  const start = async (name: string, port: number, lines: string, files: typeof certificate): Promise<void> => {
    const yaml = write(name, port, lines, files);
    sidecars.push(await startSidecar(join(folder, name), yaml, `${HOSTS[name]}:9010`));
  };
  await start('hs1.test', SYNAPSE, 'apex: here', certificate);
  // Whose homeserver nobody has started: the tester's name is answered by the sidecar alone.
  await start('hs2.test', 1, 'delegate_to: matrix.hs2.test:443', tester);
  synapse = await startSynapse({
    serverName: 'hs1.test',
    port: SYNAPSE,
    folder: join(folder, 'synapse'),
    trusted: [authority.pem],
    hosts: HOSTS,
  });
}

async function report(serverName: string) {
  const answer = await fetch(`http://${ADMIN}/api/report?server_name=${serverName}`);
  return publicReport.parse(await answer.json());
}

const context = async (): Promise<string> =>
  `${await synapse.log(30)}\n${sidecars.map((sidecar) => sidecar.log().slice(-3_000)).join('\n')}`;

describe.skipIf(missing !== undefined)(
  `a real Synapse is tested with signed requests${missing ? ` (${missing})` : ''}`,
  () => {
    beforeAll(startAll, 300_000);
    afterAll(async () => {
      await synapse?.close();
      for (const sidecar of sidecars) await sidecar.close();
      await dns?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it('behind a sidecar nothing is found, and Synapse accepts plain, odd and large requests', async () => {
      const seen = await report('hs1.test');
      expect(seen.Findings, await context()).toEqual([]);
      expect([seen.Verdict.FederationOK, seen.FederationOK, seen.Version.name]).toEqual([true, true, 'Synapse']);
      const page = await (await fetch(`http://${ADMIN}/federationtester?server_name=hs1.test`)).text();
      expect(page).toContain('Requests were signed in the name of matrix.hs2.test:00443.');
      expect(page).not.toContain('Not tested: signed requests');
      expect(page).not.toContain('a large request');
      const log = sidecars[1]!.log();
      // As Synapse writes the name in Host, zeros and all.
      expect(log).toMatch(/"host":"matrix\.hs2\.test:00443","path":"\/_matrix\/key\/v2\/server","status":200/);
    });

    it('check --sign finds nothing either, and the homeserver’s own key signs as well', async () => {
      const options = ['--ca-file', caFile, '--dns', dns.address];
      const signed = await run(
        ['check', 'hs1.test', '--sign', '--config', join(folder, 'hs2.test/sidecar.yaml'), ...options],
        {
          cwd: join(folder, 'hs2.test'),
        },
      );
      expect([signed.code, signed.out], signed.err).toEqual([
        0,
        expect.stringMatching(/^Federation with hs1\.test works\.\n/),
      ]);
      expect(signed.out).not.toContain('Not tested: signed requests');
      const key = join(folder, 'synapse/signing.key');
      const own = await run(['check', 'hs1.test', '--identity', 'hs1.test', '--key', key, ...options]);
      expect([own.code, own.out], own.err).toEqual([0, expect.stringContaining('signed in the name of hs1.test')]);
      expect(readFileSync(key, 'utf8')).toMatch(/^ed25519 a_test /);
    });

    describe.skipIf(missingNginx !== undefined)(`nginx in front${missingNginx ? ` (${missingNginx})` : ''}`, () => {
      let nginx: WebServer | undefined;
      afterAll(() => nginx?.close());

      it.each([
        ['that passes everything on, nothing', 'proxy_pass http://127.0.0.1:18018;', '50M', [], 0],
        [
          'with a slash at the end of proxy_pass, that paths are changed',
          'proxy_pass http://127.0.0.1:18018/_matrix/;',
          '50M',
          ['path-mangled'],
          1,
        ],
        [
          'with the limit that it comes with, that large requests are refused',
          'proxy_pass http://127.0.0.1:18018;',
          '1m',
          ['body-limit'],
          1,
        ],
        [
          'that wants a password, that the signature does not arrive',
          'proxy_pass http://127.0.0.1:18018; proxy_set_header Authorization "";',
          '50M',
          ['authorization-stripped'],
          1,
        ],
      ] as const)('%s', async (_, pass, limit, finds, expected) => {
        await nginx?.close();
        nginx = await startWebServer(
          'nginx',
          `listen 127.0.1.11:${FRONT} ssl; ssl_certificate ${certificate.cert}; ssl_certificate_key ${certificate.key};
         client_max_body_size ${limit}; location /_matrix/ { ${pass} }`,
        );
        const { out, err, code } = await run(
          ['check', 'hs1.test', '--format', 'json', '--sign', '--config', join(folder, 'hs2.test/sidecar.yaml')].concat(
            ['--ca-file', caFile, '--dns', dns.address, '--connect-to', `hs1.test:8448:127.0.1.11:${FRONT}`],
            ['--connect-to', 'hs1.test:443:127.0.1.11:1'],
          ),
          { cwd: join(folder, 'hs2.test') },
        );
        const seen = publicReport.parse(JSON.parse(out));
        expect(
          seen.Findings.map(({ id }) => id),
          `${out}\n${err}\n${await context()}`,
        ).toEqual(finds);
        expect(code).toBe(expected);
      });
    });
  },
);
