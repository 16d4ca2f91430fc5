import { FALLBACK, type ResolutionCase, says } from './resolution-case.ts';

/** Step 1: an address. Step 2: a port. */
export const LITERALS: readonly ResolutionCase[] = [
  { title: 'IPv4', serverName: '127.0.0.1', step: '1', places: ['127.0.0.1:8448=127.0.0.1'], host: '127.0.0.1' },
  {
    title: 'IPv4 and a port',
    serverName: '127.0.0.1:1',
    step: '1',
    places: ['127.0.0.1:1=127.0.0.1'],
    host: '127.0.0.1:1',
    certificate: '127.0.0.1',
  },
  {
    title: 'IPv6',
    serverName: '[2001:DB8::1]',
    step: '1',
    places: ['2001:db8::1:8448=2001:db8::1'],
    host: '[2001:DB8::1]',
    certificate: '2001:db8::1',
  },
  {
    title: 'IPv6 and a port',
    serverName: '[::1]:99',
    step: '1',
    places: ['::1:99=::1'],
    host: '[::1]:99',
    certificate: '::1',
  },
  {
    title: 'a port, whatever the well-known document says',
    serverName: 'fed.test:8448',
    step: '2',
    places: ['fed.test:8448=127.0.0.1'],
    host: 'fed.test:8448',
    certificate: 'fed.test',
    sites: { 'fed.test': says('b.fed.test') },
  },
  {
    title: 'a port, whatever the SRV records say',
    serverName: 'fed.test:5',
    step: '2',
    places: ['fed.test:5=127.0.0.1'],
    host: 'fed.test:5',
    certificate: 'fed.test',
    zone: { 'SRV _matrix-fed._tcp.fed.test': [['SRV', '1 1 1 b.fed.test']] },
  },
  {
    title: 'a port and capitals',
    serverName: 'FED.test:443',
    step: '2',
    places: ['fed.test:PORT=127.0.0.1'],
    host: 'FED.test:443',
    certificate: 'fed.test',
  },
  {
    title: 'a port of a name without addresses',
    serverName: 'no.fed.test:1',
    step: '2',
    places: ['no.fed.test:1='],
    host: 'no.fed.test:1',
    certificate: 'no.fed.test',
    zone: { 'A no.fed.test': 'NXDOMAIN' },
  },
];

const FED = 'SRV _matrix-fed._tcp.fed.test';
const LEGACY = 'SRV _matrix._tcp.fed.test';
const SRV = { serverName: 'fed.test', step: '4', host: 'fed.test' } as const;

/** Steps 4 to 6. */
export const BY_SERVICE: readonly ResolutionCase[] = [
  {
    ...SRV,
    title: 'by the new record alone where there is one',
    zone: { [FED]: [['SRV', '10 5 443 m.fed.test']], [LEGACY]: [['SRV', '1 1 1 x.fed.test']] },
    places: ['m.fed.test:PORT=127.0.0.1'],
    asksSrv: ['_matrix-fed._tcp.fed.test'],
  },
  {
    ...SRV,
    title: 'by the old record where there is no new one',
    zone: { [LEGACY]: [['SRV', '10 5 8443 m.fed.test.']] },
    step: '5',
    places: ['m.fed.test:8443=127.0.0.1'],
  },
  {
    ...SRV,
    title: 'in the order of priority',
    zone: {
      [FED]: [
        ['SRV', '20 0 3 c.fed.test'],
        ['SRV', '5 0 1 a.fed.test'],
        ['SRV', '10 0 2 b.fed.test'],
      ],
    },
    places: ['a.fed.test:1=127.0.0.1', 'b.fed.test:2=127.0.0.1', 'c.fed.test:3=127.0.0.1'],
  },
  {
    ...SRV,
    title: 'where the service is not offered',
    zone: { [FED]: [['SRV', '0 0 0 .']], [LEGACY]: [['SRV', '1 1 1 x.fed.test']] },
    places: [],
    asksSrv: ['_matrix-fed._tcp.fed.test'],
  },
  {
    ...SRV,
    title: 'where a dot stands beside a target',
    zone: {
      [FED]: [
        ['SRV', '0 0 0 .'],
        ['SRV', '1 0 2 b.fed.test'],
      ],
    },
    places: ['b.fed.test:2=127.0.0.1'],
  },
  {
    ...SRV,
    title: 'where a target has no addresses',
    zone: { [FED]: [['SRV', '0 0 9 no.fed.test']], 'A no.fed.test': 'NXDOMAIN' },
    places: ['no.fed.test:9='],
  },
  {
    ...SRV,
    title: 'where a target is an address',
    zone: { [FED]: [['SRV', '0 0 9 192.0.2.1']] },
    places: ['192.0.2.1:9=192.0.2.1'],
  },
  {
    ...SRV,
    title: 'where a target has many addresses, each once',
    zone: {
      [FED]: [['SRV', '0 0 9 B.fed.test']],
      'A b.fed.test': [
        ['A', '192.0.2.1'],
        ['A', '192.0.2.2'],
        ['A', '192.0.2.1'],
      ],
      'AAAA b.fed.test': [['AAAA', '2001:db8::9']],
    },
    places: ['b.fed.test:9=192.0.2.1,192.0.2.2,2001:db8::9'],
  },
  {
    ...SRV,
    title: 'where the SRV record is an alias of another',
    zone: {
      [FED]: [
        ['CNAME', 'srv.fed.test'],
        ['SRV', '0 0 9 b.fed.test', 'srv.fed.test'],
      ],
    },
    places: ['b.fed.test:9=127.0.0.1'],
  },
  {
    ...SRV,
    title: 'where the lookup of the new record fails',
    zone: { [FED]: 'SERVFAIL', [LEGACY]: [['SRV', '0 0 9 b.fed.test']] },
    step: '5',
    places: ['b.fed.test:9=127.0.0.1'],
  },
  {
    title: 'where both lookups fail',
    serverName: 'fed.test',
    zone: { [FED]: 'REFUSED', [LEGACY]: 'SERVFAIL' },
    ...FALLBACK,
  },
  {
    title: 'where there is no such name',
    serverName: 'no.fed.test',
    zone: { 'A no.fed.test': 'NXDOMAIN', 'SRV _matrix-fed._tcp.no.fed.test': 'NXDOMAIN' },
    problem: 'no-address',
    step: '6',
    places: ['no.fed.test:8448='],
    host: 'no.fed.test',
  },
  {
    title: 'where there is no address but an SRV record',
    serverName: 'no.fed.test',
    zone: { 'A no.fed.test': [], 'SRV _matrix-fed._tcp.no.fed.test': [['SRV', '1 1 1 b.fed.test']] },
    problem: 'no-address',
    step: '4',
    places: ['b.fed.test:1=127.0.0.1'],
    host: 'no.fed.test',
  },
  { title: 'in capitals', serverName: 'Fed.Test', ...FALLBACK, host: 'Fed.Test', certificate: 'fed.test' },
  {
    title: 'with a final dot',
    serverName: 'fed.test.',
    step: '6',
    places: ['fed.test.:8448=127.0.0.1'],
    host: 'fed.test.',
  },
];
