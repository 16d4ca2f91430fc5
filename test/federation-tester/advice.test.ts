import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bad } from '../../src/base/parsed.ts';
import type { Facts } from '../../src/federation-tester/facts.ts';
import { judge } from '../../src/federation-tester/judge.ts';
import { renderTap } from '../../src/federation-tester/render-tap.ts';
import type { Policy, Verdict } from '../../src/federation-tester/verdict.ts';
import { buildKeyDocument } from '../../src/matrix/key-document.ts';
import { named } from '../discovery/world.ts';
import {
  change,
  type DeploymentWorld,
  HOST,
  NAME as LIVE,
  openDeploymentWorld,
  type Plan,
  planDeployment,
} from './deployment.ts';
import { address, answered, DAY, dead, facts, failed, hop, leaf, NAME, NOW, resolution, TLS } from './made-facts.ts';
import { KEY, sendJson } from './stand-in.ts';

const judged = (given: Facts, more: Partial<Policy> = {}): Verdict => judge(given, { reach: 'public', ...more }, NOW);
const lookup = (host: string, fault?: 'silent' | 'refuses') => ({
  host,
  cname: undefined,
  addresses: [],
  error: fault === undefined ? undefined : 'no answer',
  ...(fault === undefined ? {} : { fault }),
});
const nowhere = (fault?: 'silent' | 'refuses', host = NAME): Facts =>
  facts({
    resolution: resolution({ destinations: [{ host, port: 8448, addresses: lookup(host, fault) }] }),
    addresses: [],
  });
const wellKnown = (outcome: ReturnType<typeof failed>, problem: 'untrusted' | 'connection' | 'not-json') => ({
  wellKnown: { hops: [hop(outcome)], cacheFor: 1, result: { ok: false as const, problem, words: 'it failed' } },
});
const DNS = { dnsServer: { host: '127.0.0.1', port: 18053, text: '127.0.0.1:18053' } };

describe('a DNS server that was named with --dns', () => {
  it('is at fault when it does not answer, and nothing is said of the tested server', () => {
    const { firstLine, lastLine, findings } = judged(nowhere('silent'), DNS);
    expect(firstLine).toBe(
      `Whether federation with ${NAME} works could not be found out: the DNS server 127.0.0.1:18053 does not answer.`,
    );
    expect(lastLine).toBe('To do: Start the DNS server 127.0.0.1:18053, or correct --dns.');
    expect(findings[0]?.lines[0]).toBe(`dig @127.0.0.1 -p 18053 -t a ${NAME}`);
  });

  it('may refuse a name that is misspelled', () => {
    const { firstLine, lastLine } = judged(nowhere('refuses'), DNS);
    expect(firstLine).toContain(`could not be found out: the DNS server 127.0.0.1:18053 refuses the name ${NAME}`);
    expect(lastLine).toContain(`Check the spelling of ${NAME}`);
  });

  it('that answers, though not for this name, leaves the zone to be mended', () => {
    const failed = { ...lookup(NAME), error: 'it failed' };
    const resolved = resolution({ destinations: [{ host: NAME, port: 8448, addresses: failed }] });
    const { findings, lastLine } = judged(facts({ resolution: resolved, addresses: [] }), DNS);
    expect(findings[0]?.severity).toBe('error');
    expect(lastLine).toContain('Make the name servers of the zone answer');
  });

  it('by a key of the configuration is to be corrected there', () => {
    const options = { dns: 'acme.resolvers', authority: 'federation_tester.ca_file' };
    const { lastLine } = judged(nowhere('silent'), { ...DNS, options });
    expect(lastLine).toBe('To do: Start the DNS server 127.0.0.1:18053, or correct acme.resolvers.');
  });
});

describe('the DNS server of this machine', () => {
  it('is at fault when it does not answer, and nothing is said of the tested server', () => {
    const { firstLine, lastLine, findings } = judged(nowhere('silent'));
    expect(firstLine).toBe(
      `Whether federation with ${NAME} works could not be found out: the DNS server of this machine does not answer.`,
    );
    expect(lastLine).toMatch(/^To do: Let this machine reach its DNS server .*, or name another one with --dns\.$/);
    expect([findings[0]?.severity, findings[0]?.lines[0]]).toEqual(['warning', `dig -t a ${NAME}`]);
  });

  it('may refuse a name because the zone’s own servers do', () => {
    const { findings, firstLine } = judged(nowhere('refuses'));
    expect([findings[0]?.severity, findings[0]?.id]).toEqual(['error', 'dns-lookup-failed']);
    expect(firstLine).toContain('does not work: the DNS does not answer');
  });

  it('is at fault as well where the hosts file has the addresses, and SRV records cannot be looked up', () => {
    const srv = ['_matrix-fed', '_matrix'].map((service) => ({
      ...{ name: `${service}._tcp.${NAME}`, records: [], error: 'no answer', fault: 'silent' as const },
    }));
    const { findings, federationOk, firstLine } = judged(facts({ resolution: resolution({ srv }) }));
    expect(findings.map(({ id, severity }) => [id, severity])).toEqual([['srv-lookup-failed', 'warning']]);
    expect(federationOk).toBe(true);
    expect(firstLine).toBe(`Federation with ${NAME} works, but the DNS server of this machine does not answer.`);
  });
});

describe('--connect-to to a host without an address', () => {
  it('is a wrong option and no wrong zone', () => {
    const destination = { host: 'gone.test', port: 1, addresses: lookup('gone.test') };
    const meant = { host: NAME, port: 8448 };
    const given = facts({ resolution: resolution({ destinations: [{ ...destination, meant }] }), addresses: [] });
    const { findings, lastLine } = judged(given);
    expect(findings[0]?.evidence[0]).toBe(`--connect-to leads from ${NAME}:8448 to gone.test, which has no address`);
    expect(lastLine).toContain('Correct --connect-to');
    expect(findings[0]?.lines).toEqual([]);
  });
});

describe('placeholder addresses', () => {
  it('are those of the documentation, and said to be placeholders', () => {
    expect(judged(nowhere()).findings[0]?.lines).toEqual([
      `${NAME}. 3600 IN A 192.0.2.1      ; a placeholder: write the real address`,
      `${NAME}. 3600 IN AAAA 2001:db8::1 ; the same, if there is IPv6`,
    ]);
  });
});

describe('a port 443 that is broken', () => {
  const mismatch = { ...TLS, untrusted: { code: 'HOSTNAME_MISMATCH', words: 'it is for other.test' } };

  it('is told not to be closed where port 8448 fails too, and both are listed, it first', () => {
    const given = facts({
      resolution: resolution(wellKnown(failed('untrusted', mismatch), 'untrusted')),
      addresses: [dead('192.0.2.1', 'refused')],
    });
    const { findings, lastLine } = judged(given);
    expect(findings.map(({ id }) => id)).toEqual(['well-known-untrusted', 'connection-refused']);
    expect(lastLine).toBe(`To do: Give the web server of https://${NAME} a certificate for that name.`);
    expect(renderTap(given, judged(given))).toContain('not ok 5 - addresses_reachable');
  });

  it('may be closed where port 8448 works', () => {
    const given = facts({ resolution: resolution(wellKnown(failed('untrusted', mismatch), 'untrusted')) });
    expect(judged(given).lastLine).toContain('or close its port 443');
  });

  it('is not said to be silent when what it sent is no TLS', () => {
    const given = facts({ resolution: resolution(wellKnown(failed('no-tls'), 'connection')) });
    expect(judged(given).findings[0]?.title).toMatch(/speaks no TLS$/);
  });

  it('makes no case of TAP "ok" for an address that refused, where a document was meant to lead elsewhere', () => {
    const given = facts({
      resolution: resolution(wellKnown(answered(200, '<html>'), 'not-json')),
      addresses: [dead('192.0.2.1', 'refused')],
    });
    const verdict = judged(given);
    expect(verdict.findings.map(({ id }) => id)).toEqual(['well-known-not-json']);
    expect(renderTap(given, verdict)).toMatch(/ok 5 - addresses_reachable # SKIP nobody is where the way leads/);
  });
});

describe('the keys of another server', () => {
  const others = (asked: string, more: object = {}): Facts =>
    facts({
      asked,
      serverName: { ok: true, value: named(asked) },
      resolution: resolution({ serverName: named(asked), certificateName: asked }),
      addresses: [address({ keys: answered(200, buildKeyDocument('two.test', KEY, NOW + DAY)), ...more })],
    });

  it.each(['matrix.two.test', '127.0.0.2'])('of %s lead to the server that is there', (asked) => {
    const certificates = [leaf({ dnsNames: ['matrix.two.test'] })];
    const { findings, lastLine } = judged(others(asked, { certificates }), { reach: 'private' });
    expect(findings[0]?.id).toBe('keys-wrong-server');
    expect(lastLine).toMatch(/^To do: The homeserver there is two\.test: if you meant that, run `check two\.test`/);
    expect(findings[0]?.lines[0]).toBe('matrix-sidecar check two.test');
  });

  it('never have an address written as server_name, and a name only with a warning', () => {
    expect(judged(others('127.0.0.2')).findings[0]?.lines.join()).not.toContain('server_name');
    const [, second] = judged(others('matrix.two.test')).findings[0]?.lines ?? [];
    expect(second).toMatch(/^or, only if it is new .*server_name: matrix\.two\.test .*cannot be changed later/);
  });
});

describe('a homeserver that does not serve its keys', () => {
  it('is told to add federation to its resources, and is not said to be none', () => {
    const given = facts({ addresses: [address({ keys: answered(404, { errcode: 'M_UNRECOGNIZED' }) })] });
    const { findings, lastLine } = judged(given);
    expect(findings.map(({ id, title }) => [id, title])).toEqual([
      ['keys-not-served', 'A homeserver answers, but not for its keys'],
    ]);
    expect(lastLine).toContain("add `federation` to its listener's resources");
  });
});

describe('an authority of one’s own', () => {
  const tls = { ...TLS, untrusted: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', words: 'unknown' } };
  const given = facts({ addresses: [address({ tls, certificates: [leaf({ issuedByNext: false })] })] });

  it('is asked for with --ca-file on the last line', () => {
    expect(judged(given).lastLine).toContain('if "Some Authority" is your own authority, test with --ca-file.');
  });

  it('is said not to be the issuer, where one was given', () => {
    const { lastLine } = judged(given, { ownAuthority: true });
    expect(lastLine).toContain('test with its certificate (--ca-file), since none that was given is the issuer');
  });

  it('is asked for by the key that takes it, where a page and no command was asked', () => {
    const options = { dns: 'acme.resolvers', authority: 'federation_tester.ca_file' };
    expect(judged(given, { options }).lastLine).toContain('test with federation_tester.ca_file');
  });

  it('is not told to be a public one at the web server', () => {
    const resolved = resolution(wellKnown(failed('untrusted', TLS), 'untrusted'));
    const { lastLine } = judged(facts({ resolution: resolved }), { ownAuthority: true });
    expect(lastLine).not.toContain('public authority');
    expect(lastLine).toContain(`Give the web server of https://${NAME} a certificate for that name`);
  });
});

describe('what was typed instead of a server name', () => {
  it.each([
    ['@alice:one.test', 'one.test'],
    ['#room:one.test:8448', 'one.test:8448'],
    ['https://one.test', 'one.test'],
    ['https://one.test/a?b', 'one.test'],
    ['mätrix.test', 'xn--mtrix-gra.test'],
  ])('%s has the name in it that was meant', (asked, meant) => {
    const { lastLine } = judged(facts({ asked, serverName: bad('no'), resolution: undefined, addresses: [] }));
    expect(lastLine).toBe(`To do: Give what stands after the colon in @alice:example.com, here ${meant}.`);
  });
});

describe('deployments', () => {
  let world: DeploymentWorld;
  beforeAll(async () => {
    world = await openDeploymentWorld();
  });
  afterAll(() => world.close());
  const test = async (by: 'nothing' | 'well-known', breakIt: (plan: Plan) => void) => {
    const plan = planDeployment(world, by);
    breakIt(plan);
    return (await world.test(plan)).verdict;
  };
  const say = (document: unknown) => (plan: Plan) =>
    change(plan, `${LIVE}:443`, { handle: (_request, response) => sendJson(response, 200, document) });

  it.each(['one..test', `${'a'.repeat(64)}.test`, '.one.test'])('%s is no name for the tester', async (asked) => {
    const { findings } = await test('nothing', (plan) => {
      plan.asked = asked;
    });
    expect(findings.map(({ id }) => id)).toEqual(['name-invalid']);
  });

  it('an m.server with an umlaut comes with its xn-- form', async () => {
    const { lastLine, findings } = await test('well-known', say({ 'm.server': 'mätrix.test:443' }));
    expect(lastLine).toContain('Write the name in m.server as the DNS has it: xn--mtrix-gra.test:443.');
    expect(findings[0]?.lines.join()).toContain('{"m.server": "xn--mtrix-gra.test:443"}');
  });

  it('the document for clients in the wrong place comes with the right one', async () => {
    const { findings } = await test('well-known', say({ 'm.homeserver': { base_url: `https://${HOST}/` } }));
    expect(findings[0]?.lines.join()).toContain(`{"m.server": "${HOST}:443"}`);
    expect(findings[0]?.evidence[0]).toContain('m.homeserver is for clients');
  });

  it('evidence names the place that is meant, and not the one that --connect-to dials', async () => {
    const { findings } = await test('well-known', say({}));
    expect(findings[0]?.evidence[0]).toContain(`so other servers go to ${LIVE}:8448`);
  });

  it.each([
    ['SERVFAIL', 'error', /does not work/],
    ['REFUSED', 'warning', /could not be found out: the DNS server .* refuses the name/],
  ] as const)('a DNS server that answers %s', async (answer, severity, says) => {
    const { findings, firstLine } = await test('nothing', (plan) => {
      plan.policy = { reach: 'private', ...DNS };
      for (const type of ['A ', 'AAAA ', 'SRV _matrix-fed._tcp.', 'SRV _matrix._tcp.']) {
        plan.zone[`${type}${LIVE}`] = answer;
      }
    });
    expect(findings.map(({ id, severity: how }) => [id, how])).toEqual([['dns-lookup-failed', severity]]);
    expect(firstLine).toMatch(says);
  });
});
