import { describe, expect, it } from 'vitest';
import type { Resolution } from '../../../src/discovery/resolution.ts';
import type { Facts } from '../../../src/federation-tester/facts.ts';
import { judge } from '../../../src/federation-tester/judge.ts';
import { parseServerName } from '../../../src/matrix/server-name.ts';
import {
  address,
  answered,
  dead,
  facts,
  failed,
  hop,
  leaf,
  NAME,
  NOW,
  resolution,
  TLS,
} from '../../federation-tester/made-facts.ts';

const NONE = 'location = /.well-known/matrix/server { return 404; }';
const found = (given: Facts, id: string) => {
  const { findings } = judge(given, { reach: 'public' }, NOW);
  const finding = findings.find((one) => one.id === id);
  return { severity: finding?.severity, lines: finding?.lines ?? [], fix: finding?.fix ?? '' };
};
const broken = (problem: 'not-json' | 'bad-m-server' | 'untrusted', body: string, more: Partial<Resolution> = {}) =>
  resolution({
    wellKnown: { hops: [hop(answered(200, body))], cacheFor: 1, result: { ok: false, problem, words: 'it is broken' } },
    ...more,
  });
const record = (target: string, port: number, priority: number, weight = 5) => ({ target, port, priority, weight });
const bySrv = (...records: ReturnType<typeof record>[]): Resolution =>
  resolution({ step: '4', srv: [{ name: `_matrix-fed._tcp.${NAME}`, records, error: undefined }] });

describe('what is printed to be pasted', () => {
  it('sends nobody away from a server that works without a well-known document', () => {
    const given = facts({ resolution: broken('not-json', '<html>') });
    expect(found(given, 'well-known-not-json')).toMatchObject({ severity: 'warning', lines: [NONE] });
  });

  it('is said to be an example where nobody can know the host', () => {
    const given = facts({ resolution: broken('not-json', '<html>'), addresses: [dead('192.0.2.1', 'refused')] });
    const { severity, lines } = found(given, 'well-known-not-json');
    expect([severity, lines[0]]).toEqual(['error', expect.stringMatching(/^# .*for example/)]);
  });

  it.each([
    ['https://matrix.example.com', 'matrix.example.com:443'],
    ['https://Matrix.example.com:8449/_matrix', 'matrix.example.com:8449'],
  ])('is the server name that was meant by %s', (written, meant) => {
    const given = facts({ resolution: broken('bad-m-server', JSON.stringify({ 'm.server': written })) });
    const { severity, lines } = found(given, 'well-known-bad-m-server');
    expect([severity, lines.join('\n')]).toEqual(['error', expect.stringContaining(`'{"m.server": "${meant}"}'`)]);
  });

  it('keeps the priority and the weight of SRV records', () => {
    const newName = bySrv(record('a.test', 443, 1, 70), record('b.test', 8448, 20, 30));
    const given = facts({
      resolution: newName,
      otherSrv: [{ name: `_matrix._tcp.${NAME}`, records: [], error: undefined }],
    });
    expect(found(given, 'srv-new-name-only').lines).toEqual([
      `_matrix._tcp.${NAME}. 3600 IN SRV 1 70 443 a.test.`,
      `_matrix._tcp.${NAME}. 3600 IN SRV 20 30 8448 b.test.`,
    ]);
  });

  it('has the port of that very SRV target', () => {
    const given = facts({
      resolution: bySrv(record('a.test', 443, 10), record('b.test', 8449, 10)),
      addresses: [
        address({
          host: 'b.test',
          port: 8449,
          tls: { ...TLS, untrusted: { code: 'HOSTNAME_MISMATCH', words: 'not for it' } },
          certificates: [leaf({ dnsNames: ['b.test'] })],
        }),
      ],
    });
    expect(found(given, 'srv-certificate-for-target').lines).toEqual([
      `https://${NAME}/.well-known/matrix/server: {"m.server": "b.test:8449"}`,
    ]);
  });

  it('names the host whose certificate is wrong after a redirect', () => {
    const away = { ...hop(failed('untrusted')), url: 'https://www.example.org/x' };
    const given = facts({ resolution: broken('untrusted', '', { wellKnown: undefined }) });
    const moved = {
      ...given.resolution!,
      wellKnown: {
        hops: [hop(answered(301, '')), away],
        cacheFor: 1,
        result: { ok: false, problem: 'untrusted', words: 'expired' } as const,
      },
    };
    expect(found({ ...given, resolution: moved }, 'well-known-untrusted').fix).toContain('www.example.org');
  });

  it('has no record for an address, and one dot at the end of a name', () => {
    const at = (host: string) => facts({ addresses: [address({ host, address: '10.0.0.1', private: true })] });
    expect(found(at('10.0.0.1'), 'address-private').lines).toEqual([]);
    expect(found(at('matrix.test.'), 'address-private').lines).toEqual([
      'matrix.test. 3600 IN A 192.0.2.1      ; a placeholder: write the real address',
      'matrix.test. 3600 IN AAAA 2001:db8::1 ; the same, if there is IPv6',
    ]);
  });
});

it('a name with an umlaut is told how it is written', () => {
  const given = facts({ asked: 'bücher.example', serverName: parseServerName('bücher.example'), addresses: [] });
  expect(found({ ...given, resolution: undefined }, 'name-invalid').fix).toContain('xn--bcher-kva.example');
});

describe('a server that works', () => {
  it('is not what an SRV record under the new name only is to the public tester', () => {
    const given = facts({
      resolution: bySrv(record('a.test', 443, 10)),
      otherSrv: [{ name: `_matrix._tcp.${NAME}`, records: [], error: undefined }],
    });
    const { federationOk, publicTester } = judge(given, { reach: 'public' }, NOW);
    expect([federationOk, publicTester.federationOk]).toEqual([true, false]);
    expect(publicTester.differs).toContain('_matrix._tcp only');
  });
});
