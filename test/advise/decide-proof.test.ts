import { describe, expect, it } from 'vitest';
import type { AcmeFacts, DnsFacts } from '../../src/advise/advised-server.ts';
import { decideProof, type ProofFacts } from '../../src/advise/decide-proof.ts';
import { ACME } from './advised.ts';

const RFC2136: DnsFacts = { provider: 'rfc2136', zone: undefined, writesAt: () => undefined };
const OPEN = { https: true, http: true };

function prove(more: Partial<ProofFacts>, acme: Partial<AcmeFacts> = {}) {
  const facts = { name: 'example.org', leadsHere: false, ourHost: 'matrix.host.net', listeners: OPEN };
  return decideProof({ ...facts, ...more, acme: { ...ACME, ...acme } });
}

const write = ({ records }: ReturnType<typeof prove>) =>
  records.map(({ name, type, data }) => `${name} ${type} ${data}`);

describe('a name that leads here', () => {
  it('is proved on the ports that are open, and nothing has to be published', () => {
    const proof = prove({ leadsHere: true });
    expect([proof.possible, proof.records, proof.challenges]).toEqual([['tls-alpn-01', 'http-01'], [], undefined]);
    expect(prove({ leadsHere: true, listeners: { https: true, http: false } }).possible).toEqual(['tls-alpn-01']);
  });

  it('is proved over DNS where only that is allowed', () => {
    const proof = prove({ leadsHere: true, name: 'matrix.host.net' }, { challenges: ['dns-01'], dns: RFC2136 });
    expect([proof.possible, proof.records]).toEqual([['dns-01'], []]);
    expect(proof.why).toBe('by dns-01 (rfc2136): acme.challenges names only dns-01');
  });

  it('as an address is never proved over DNS', () => {
    const proof = prove({ leadsHere: true, name: '192.0.2.7', listeners: { https: false, http: false } });
    expect([proof.possible, proof.records, proof.challenges]).toEqual([[], [], undefined]);
  });
});

describe('a name that leads to another web server', () => {
  it('is never proved by the challenges that would ask that server', () => {
    const proof = prove({});
    expect(proof.possible).toEqual([]);
    expect(proof.why).toContain('would ask the web server');
    expect(proof.challenges).toEqual(['tls-alpn-01', 'http-01', 'dns-persist-01']);
  });

  it('takes one static record of two, and says which zone the other leads to', () => {
    const proof = prove({});
    expect(proof.alternatives).toBe(true);
    expect(write(proof)).toEqual([
      '_validation-persist.example.org. TXT "letsencrypt.org; accounturi=ACCOUNT-URL"',
      '_acme-challenge.example.org. CNAME example.org._acme-challenge.matrix.host.net.',
    ]);
  });

  it('has the account in its record as soon as there is one', () => {
    const accountUrl = 'https://acme-v02.api.letsencrypt.org/acme/acct/4711';
    const proof = prove({}, { challenges: ['dns-persist-01'], accountUrl });
    expect(write(proof)).toEqual([`_validation-persist.example.org. TXT "letsencrypt.org; accounturi=${accountUrl}"`]);
    expect(proof.notes.join()).not.toContain('ACCOUNT-URL');
  });

  it('has a placeholder in its record where nobody knows how the CA calls itself', () => {
    const proof = prove({}, { challenges: ['dns-persist-01'], issuer: undefined });
    expect(write(proof)).toEqual(['_validation-persist.example.org. TXT "ISSUER; accounturi=ACCOUNT-URL"']);
    expect(proof.notes.join()).toContain('ISSUER stands for');
  });

  it.each([
    ['our host is in its zone', 'matrix.example.org', RFC2136, undefined],
    ['the provider has its zone', 'matrix.host.net', { ...RFC2136, zone: 'example.org' }, undefined],
    ['the provider has a zone above it', 'matrix.host.net', { ...RFC2136, zone: 'org' }, undefined],
    ['its zone is a stranger', 'matrix.host.net', RFC2136, 'example.org._acme-challenge.matrix.host.net.'],
    [
      "the provider has our host's zone",
      'matrix.host.net',
      { ...RFC2136, zone: 'host.net' },
      'example.org._acme-challenge.matrix.host.net.',
    ],
    [
      'the provider has a third zone',
      'matrix.host.net',
      { ...RFC2136, zone: 'dyn.net' },
      'example.org._acme-challenge.dyn.net.',
    ],
    ['acme-dns says where', 'matrix.example.org', { ...RFC2136, writesAt: () => 'x.auth.net' }, 'x.auth.net.'],
  ])('by dns-01 needs an alias or none: %s', (_, ourHost, dns, target) => {
    const proof = prove({ ourHost }, { challenges: ['http-01', 'dns-01'], dns });
    expect(proof.possible).toEqual(['dns-01']);
    expect(write(proof)).toEqual(target === undefined ? [] : [`_acme-challenge.example.org. CNAME ${target}`]);
  });
});
