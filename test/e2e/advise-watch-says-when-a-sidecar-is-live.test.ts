import { afterEach, expect, it } from 'vitest';
import { runAdvise } from '../cli/advise-bench.ts';
import { type DnsAnswer, startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** Three servers, found in three ways, whose homeserver and DNS records are as advised. */
async function open(zone: (name: string, type: string) => DnsAnswer) {
  const homeserver: TestUpstream = await startHttpUpstream((_, response) => response.end('{}'));
  opened.push(homeserver);
  const servers = `servers:
  - { server_name: a.test, homeserver: "${homeserver.url}" }
  - { server_name: b.test, homeserver: "${homeserver.url}", delegate_to: "m.b.test:443" }
  - { server_name: c.test, homeserver: "${homeserver.url}", delegate_to: "m.c.test:443", delegate_by: srv }
`;
  const sidecar: TestSidecar = await startTestSidecar(servers);
  opened.push(sidecar);
  const dns: TestDnsServer = await startDnsServer(zone);
  opened.push(dns);
  const connect = [`:443::${sidecar.https}`, `:8448::${sidecar.federation}`].flatMap((to) => ['--connect-to', to]);
  return {
    given: {
      yaml: `${servers}certificates: local\n`,
      files: { 'ca.pem': sidecar.ca },
      args: ['--watch', '--dns', dns.address, '--ca-file', 'ca.pem', ...connect],
    },
  };
}

function publish(name: string, type: string): DnsAnswer {
  if (type === 'SRV') return name.endsWith('._tcp.c.test') ? [['SRV', '10 0 443 m.c.test']] : [];
  return type === 'A' && name.endsWith('.test') ? [['A', '127.0.0.1']] : [];
}

it('says of each server that it is live, and ends with 0', async () => {
  const { given } = await open(publish);
  const { code, out, err } = await runAdvise({ ...given, args: [...given.args, '--timeout', '15s'] });
  expect([code, err]).toEqual([0, '']);
  expect(out.replaceAll(/^\d\d:\d\d:\d\d /gm, '')).toBe(
    'a.test: live.\nb.test: live.\nc.test: live.\nAll is live: other servers find this sidecar.\n',
  );
});

it('names the records that are missing, and ends with 1 when the time is over', async () => {
  const { given } = await open((name, type) => (type === 'SRV' ? 'NXDOMAIN' : publish(name, type)));
  const { code, out } = await runAdvise({ ...given, args: [...given.args, '--timeout', '2s'] });
  expect(code).toBe(1);
  expect(out).toContain('a.test: live.');
  expect(out).toContain('c.test: not yet: 1 missing.');
  expect(out).toContain('Publish: _matrix-fed._tcp.c.test. IN SRV 10 0 443 m.c.test.');
});
