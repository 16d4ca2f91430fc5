import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../src/advise/advised-server.ts';
import { decideDelegation } from '../../src/advise/decide-delegation.ts';
import { listDocuments, readDelegation } from '../../src/advise/list-documents.ts';
import { listWays } from '../../src/advise/list-ways.ts';
import { advised, USUAL } from './advised.ts';

const ONLY_443: Deployment['ports'] = { https: [443], federation: [], http: [80] };
const MAPPED: Deployment['ports'] = { https: [10443], federation: [18448], http: [] };

function decide(name: string, keys: string, ports = USUAL) {
  const server = advised(name, keys);
  const published = readDelegation(listDocuments(server, ports.https));
  const ways = listWays(server, published);
  return { ...decideDelegation({ server, ports, published, ways }), ways };
}

describe('whether a delegation is needed, by the questions of the federation guide', () => {
  it.each([
    ['192.0.2.7', '', USUAL, false, 'is an IP address'],
    ['[2001:db8::7]:8449', '', USUAL, false, 'is an IP address'],
    ['example.com:8449', '', USUAL, false, 'has a port'],
    ['example.com', '', USUAL, false, 'listens on 8448'],
    ['example.com', '', MAPPED, false, 'can be mapped to 18448'],
    ['example.com', '', ONLY_443, true, 'does not listen for them'],
    ['example.com', 'apex: elsewhere', USUAL, true, 'leads to another web server'],
    ['example.com', 'delegate_to: "example.com:443"', ONLY_443, true, 'where this sidecar does not listen'],
    ['example.com', 'delegate_to: "example.com:8448"', USUAL, false, 'where other servers go by themselves'],
    ['example.com', 'delegate_to: "matrix.example.com:443"', USUAL, false, 'would find it by themselves'],
    ['example.com', 'delegate_to: "matrix.example.com:443"', ONLY_443, true, 'where this sidecar does not listen'],
    ['example.com', 'delegate_to: "m.example.com:443", apex: elsewhere', USUAL, true, 'have to be told'],
  ] as const)('%s {%s} on %j: %s, %s', (name, keys, ports, needed, words) => {
    const decided = decide(name, keys, ports);
    expect([decided.needed, decided.why]).toEqual([needed, expect.stringContaining(words)]);
  });
});

describe('which method fits, and why', () => {
  const to = 'delegate_to: "matrix.example.com:443"';
  it.each([
    [to, 'well-known', 'well-known fits: this sidecar answers'],
    [`${to}, apex: elsewhere`, 'well-known', 'publishes small files'],
    [`${to}, delegate_by: srv`, 'srv', 'well-known would be simpler'],
    [`${to}, delegate_by: srv, apex: elsewhere`, 'srv', 'Its price is a certificate for example.com itself'],
    [`${to}, delegate_by: both`, 'both', 'ask well-known first'],
    ['', 'none', 'would do no harm'],
    ['well_known: { server: { m.server: "a.example.com" } }', 'well-known', 'sends other servers to a.example.com'],
  ] as const)('{%s} is %s: %s', (keys, method, words) => {
    const decided = decide('example.com', keys);
    expect([decided.method, decided.whyMethod]).toEqual([method, expect.stringContaining(words)]);
  });

  it('says whom SRV still serves, and what other servers then check', () => {
    expect(decide('example.com', to).remarks.join()).toContain('Synapse 0.99');
    expect(decide('example.com', `${to}, delegate_by: srv`).remarks.join()).toContain('never for the SRV target');
    expect(decide('example.com', `${to}, delegate_by: srv, apex: elsewhere`).remarks.join()).toContain(
      'clients are not',
    );
    expect(decide('example.com', `${to}, delegate_by: srv`).remarks.join()).not.toContain('clients are not');
  });

  it('says what follows from a delegation without a port', () => {
    const decided = decide('example.com', 'delegate_to: matrix.example.com');
    expect(decided.remarks.join()).toContain('look for SRV records of that name');
    expect(decided.ways).toMatchObject([{ step: '3.5', host: 'matrix.example.com', port: 8448 }]);
  });
});

describe('how other servers come, by the steps of the server-server API', () => {
  const to = 'delegate_to: "matrix.example.com:443"';
  it.each([
    ['192.0.2.7', '', [['1', '192.0.2.7', 8448, '192.0.2.7', '192.0.2.7']]],
    ['[2001:db8::7]:8449', '', [['1', '2001:db8::7', 8449, '2001:db8::7', '[2001:db8::7]:8449']]],
    ['Example.com:8449', '', [['2', 'example.com', 8449, 'example.com', 'Example.com:8449']]],
    ['example.com', '', [['6', 'example.com', 8448, 'example.com', 'example.com']]],
    ['example.com', to, [['3.2', 'matrix.example.com', 443, 'matrix.example.com', 'matrix.example.com:443']]],
    ['example.com', 'delegate_to: "192.0.2.9:443"', [['3.1', '192.0.2.9', 443, '192.0.2.9', '192.0.2.9:443']]],
    ['example.com', `${to}, delegate_by: srv`, [['4', 'matrix.example.com', 443, 'example.com', 'example.com']]],
    [
      'example.com',
      `${to}, delegate_by: both`,
      [
        ['3.2', 'matrix.example.com', 443, 'matrix.example.com', 'matrix.example.com:443'],
        ['4', 'matrix.example.com', 443, 'example.com', 'example.com'],
      ],
    ],
  ])('%s {%s}', (name, keys, expected) => {
    const { ways } = decide(name, keys);
    expect(ways.map((way) => [way.step, way.host, way.port, way.certificateName, way.hostHeader])).toEqual(expected);
  });
});
