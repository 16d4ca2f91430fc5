import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicReport } from '../federation-tester/public-schema.ts';
import { openTesterGround, type TesterGround } from '../harness/tester-ground.ts';
import { makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';

let ground: TesterGround;
beforeAll(async () => {
  ground = await openTesterGround();
});
afterAll(() => ground?.close());

async function report(serverName: string, headers: object = {}) {
  const { status, body } = await ground.admin(`/api/report?server_name=${encodeURIComponent(serverName)}`, { headers });
  expect(status, body).toBe(200);
  return publicReport.parse(JSON.parse(body));
}
const ids = ({ Findings }: Awaited<ReturnType<typeof report>>): string[] => Findings.map(({ id }) => id);

describe('a healthy server', () => {
  it('is one by the report, by one word and on the page', async () => {
    const { serverName } = await ground.startTarget('healthy.test');
    const { Verdict, FederationOK, Findings, Version } = await report(serverName);
    expect([Verdict.FederationOK, FederationOK, Findings]).toEqual([true, true, []]);
    expect(Version).toEqual({ name: 'Stand-in', version: '1.0' });
    const word = await ground.admin(`/api/federation-ok?server_name=${serverName}`);
    expect([word.status, word.body, word.headers['access-control-allow-origin']]).toEqual([200, 'GOOD', '*']);
    const page = await ground.page(serverName);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body).toContain(`Federation with ${serverName} works.`);
    expect(page.body).toContain('Requests were signed in the name of m.a.test:00443.');
  });
});

describe('a broken server', () => {
  it('is found to be one by signed requests that no other tester sends', async () => {
    // Only what is signed shows it: without a signature, the homeserver says 401 to any path.
    const decode = (url: string): string =>
      url.replaceAll(/%2[134BF]|%3A|%40/gi, (one) => (one === '%2F' ? one : decodeURIComponent(one)));
    const { serverName } = await ground.startTarget('mangled.test', {
      front: (request, _response, pass) => pass(decode(request.url ?? '')),
    });
    const seen = await report(serverName);
    expect([ids(seen), seen.Verdict.FederationOK, seen.FederationOK]).toEqual([['path-mangled'], false, true]);
    expect((await ground.admin(`/api/federation-ok?server_name=${serverName}`)).body).toBe('BAD');
  });

  it('is told from one whose Authorization header is lost on the way', async () => {
    const { serverName } = await ground.startTarget('stripped.test', {
      front(request, _response, pass) {
        delete request.headers.authorization;
        pass();
      },
    });
    expect(ids(await report(serverName))).toEqual(['authorization-stripped']);
  });

  it('is one with nothing at its address', async () => {
    ground.unknown.add('gone.test');
    expect(ids(await report('gone.test:8448'))).toEqual(['dns-no-address']);
  });

  it('is not blamed for what the DNS server of the configuration refuses, and strangers do not hear of that one', async () => {
    ground.refused.add('refused.test');
    const { Findings } = await report('refused.test:8448');
    expect(Findings.map(({ id, severity }) => [id, severity])).toEqual([['dns-lookup-failed', 'warning']]);
    expect(Findings[0]?.title).toBe(`The DNS server ${ground.dns.address} refuses the name refused.test`);
    expect(Findings[0]?.fix).toContain('ask a DNS server that answers for it (acme.resolvers)');
    const told = await report('refused.test:8448', { Origin: 'https://elsewhere.test' });
    expect(JSON.stringify(told)).toContain('DNS server');
    expect(JSON.stringify(told)).not.toContain(ground.dns.address);
  });

  it('with an authority that nobody knows is told which key takes it', async () => {
    const root = makeCertificate({ commonName: 'Another Root', ca: true });
    const leaf = makeEcCertificate(['other.test'], root);
    const { serverName } = await ground.startTarget('other.test', { shown: { cert: leaf.certPem, key: leaf.keyPem } });
    const { Findings } = await report(serverName);
    expect(Findings[0]?.fix).toContain('(federation_tester.ca_file), since none that was given is the issuer');
  });
});

describe('bounds', () => {
  it('the same server is tested once for all who ask at the same time', async () => {
    let tests = 0;
    const { serverName } = await ground.startTarget('shared.test', {
      front(request, _response, pass) {
        if (request.url === '/_matrix/key/v2/server') tests += 1;
        pass();
      },
    });
    const reports = await Promise.all(Array.from({ length: 10 }, () => report(serverName)));
    expect(reports.every(({ Verdict }) => Verdict.FederationOK)).toBe(true);
    expect(tests).toBe(1);
  });

  it('more tests than so many at a time are refused, with the time to wait', async () => {
    const held: (() => void)[] = [];
    const front = (_request: unknown, _response: unknown, pass: () => void): void => void held.push(pass);
    const targets = await Promise.all(
      [0, 1, 2, 3, 4].map((index) => ground.startTarget(`held${index}.test`, { front })),
    );
    const begun = targets.slice(0, 4).map(({ serverName }) => ground.admin(`/api/report?server_name=${serverName}`));
    while (held.length < 4) await new Promise((resolve) => setTimeout(resolve, 20));
    const refused = await ground.admin(`/api/report?server_name=${targets[4]!.serverName}`);
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
    // Whoever has a browser sees a page meanwhile.
    const page = await ground.admin(`/federationtester?server_name=${targets[0]!.serverName}`);
    expect(page.body).toContain('is being tested');
    for (const target of targets) await target.close();
    for (const answer of await Promise.all(begun)) expect(answer.status).toBe(200);
  });

  it('a page of another site, in the operator’s browser, sees nothing of private networks', async () => {
    const { serverName } = await ground.startTarget('inside.test');
    const seen = await report(serverName, { Origin: 'https://evil.example' });
    expect(ids(seen)).toEqual(['address-private']);
    expect(seen.ConnectionReports).toEqual({});
    const fetched = await report(serverName, { 'Sec-Fetch-Site': 'cross-site' });
    expect(fetched.ConnectionReports).toEqual({});
    expect((await report(serverName, { 'Sec-Fetch-Site': 'same-origin' })).Verdict.FederationOK).toBe(true);
  });
});
