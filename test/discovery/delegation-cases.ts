import type { WellKnownProblem } from '../../src/discovery/resolution.ts';
import { countdown, FALLBACK, moved, type ResolutionCase, says } from './resolution-case.ts';
import type { Site } from './world.ts';

const PATH = '/.well-known/matrix/server';
const body = (text: string | Buffer): Site => ({ body: text });

/** The server name `fed.test`, whose web server says this. */
const fed = (site: Site) => ({ serverName: 'fed.test', sites: { 'fed.test': site } });
const B1 = {
  step: '3.2',
  places: ['b.fed.test:1=127.0.0.1'],
  host: 'b.fed.test:1',
  certificate: 'b.fed.test',
} as const;
const B = { step: '3.5', places: ['b.fed.test:8448=127.0.0.1'], host: 'b.fed.test' } as const;
const FED = 'SRV _matrix-fed._tcp.b.fed.test';
const LEGACY = 'SRV _matrix._tcp.b.fed.test';

/** Step 3: delegated, in each form that m.server can have. */
export const DELEGATED: readonly ResolutionCase[] = [
  {
    title: 'to an address',
    ...fed(says('192.0.2.7')),
    step: '3.1',
    places: ['192.0.2.7:8448=192.0.2.7'],
    host: '192.0.2.7',
  },
  {
    title: 'to an address and port',
    ...fed(says('192.0.2.7:443')),
    step: '3.1',
    places: ['192.0.2.7:PORT=192.0.2.7'],
    host: '192.0.2.7:443',
    certificate: '192.0.2.7',
  },
  {
    title: 'to IPv6',
    ...fed(says('[2001:db8::7]')),
    step: '3.1',
    places: ['2001:db8::7:8448=2001:db8::7'],
    host: '[2001:db8::7]',
    certificate: '2001:db8::7',
  },
  {
    title: 'to IPv6 and a port',
    ...fed(says('[2001:db8::7]:99')),
    step: '3.1',
    places: ['2001:db8::7:99=2001:db8::7'],
    host: '[2001:db8::7]:99',
    certificate: '2001:db8::7',
  },
  { title: 'to a name and port', ...fed(says('b.fed.test:1')), ...B1 },
  {
    title: 'to a name and port, whatever its SRV records say',
    ...fed(says('b.fed.test:1')),
    zone: { [FED]: [['SRV', '1 1 1 c.fed.test']] },
    ...B1,
  },
  { title: 'to a name with capitals', ...fed(says('B.fed.test:1')), ...B1, host: 'B.fed.test:1' },
  {
    title: 'to a name with the new SRV record',
    ...fed(says('b.fed.test')),
    zone: { [FED]: [['SRV', '10 5 443 c.fed.test']], [LEGACY]: [['SRV', '10 5 443 d.fed.test']] },
    ...B,
    step: '3.3',
    places: ['c.fed.test:PORT=127.0.0.1'],
    asksSrv: ['_matrix-fed._tcp.b.fed.test'],
  },
  {
    title: 'to a name with the old SRV record',
    ...fed(says('b.fed.test')),
    zone: { [LEGACY]: [['SRV', '10 5 77 c.fed.test']] },
    ...B,
    step: '3.4',
    places: ['c.fed.test:77=127.0.0.1'],
  },
  { title: 'to a name without SRV records', ...fed(says('b.fed.test')), ...B },
  {
    title: 'to a name with no such service',
    ...fed(says('b.fed.test')),
    zone: { [FED]: [['SRV', '0 0 0 .']] },
    ...B,
    step: '3.3',
    places: [],
  },
  { title: 'to itself', ...fed(says('fed.test')), step: '3.5', places: ['fed.test:8448=127.0.0.1'], host: 'fed.test' },
  {
    title: 'to a name that delegates further, at which nobody looks',
    serverName: 'fed.test',
    sites: { 'fed.test': says('b.fed.test'), 'b.fed.test': says('c.fed.test') },
    ...B,
  },
  {
    title: 'past the SRV records of the server name',
    ...fed(says('b.fed.test')),
    zone: { 'SRV _matrix-fed._tcp.fed.test': [['SRV', '1 1 1 x.fed.test']] },
    ...B,
  },
  { title: 'with a wrong content type', ...fed(says('b.fed.test:1', { 'content-type': 'text/html' })), ...B1 },
  { title: 'with other keys and blanks', ...fed(body('\r\n {"a": [1], "m.server" : "b.fed.test:1" } \n')), ...B1 },
  { title: 'with the last of two keys', ...fed(body('{"m.server":"c.fed.test","m.server":"b.fed.test:1"}')), ...B1 },
  { title: 'in a byte less than 50 KiB', ...fed(body('{"m.server":"b.fed.test:1"}'.padEnd(51_199))), ...B1 },
  ...[301, 302, 303, 307, 308].map(
    (status): ResolutionCase => ({
      title: `behind a redirect ${status}`,
      serverName: 'fed.test',
      sites: { 'fed.test': moved(status, 'https://www.fed.test/m'), 'www.fed.test/m': says('b.fed.test:1') },
      ...B1,
    }),
  ),
  {
    title: 'behind a relative redirect',
    serverName: 'fed.test',
    sites: {
      [`fed.test${PATH}`]: moved(302, 'x?y=%20#z'),
      'fed.test/.well-known/matrix/x?y=%20': says('b.fed.test:1'),
    },
    ...B1,
  },
  { title: 'behind 20 redirects', ...fed(countdown(20)), ...B1 },
];

/** Step 3 leads nowhere, for each reason; then 4 to 6. */
export const NOT_DELEGATED: readonly ResolutionCase[] = (
  [
    ['there is no document', { status: 404 }, 'not-200'],
    ['the server is broken', { status: 500, body: '{"m.server":"b.fed.test"}' }, 'not-200'],
    ['the status is 204', { status: 204 }, 'not-200'],
    ['the status is 304', { status: 304 }, 'not-200'],
    ['the document is empty', body(''), 'not-json'],
    ['the document is a page', body('<!doctype html>'), 'not-json'],
    ['the document is cut', body('{"m.server": "b.fed.test"'), 'not-json'],
    ['the document is a string', body('"b.fed.test"'), 'not-json'],
    ['the document is a list', body('[{"m.server": "b.fed.test"}]'), 'not-json'],
    ['the document has a comment', body('{"m.server": "b.fed.test"} // x'), 'not-json'],
    ['the document has NaN', body('{"a": NaN, "m.server": "b.fed.test"}'), 'not-json'],
    ['the document begins with a mark', body('\ufeff{"m.server": "b.fed.test"}'), 'not-json'],
    ['the document is no UTF-8', body(Buffer.from('{"a":"\u00e4","m.server":"b.fed.test"}', 'latin1')), 'not-json'],
    ['the document is UTF-16', body(Buffer.from('{"m.server":"b.fed.test"}', 'utf16le')), 'not-json'],
    ['the key is another', body('{"m.homeserver": {"base_url": "https://b.fed.test"}}'), 'no-m-server'],
    ['the key is a number', says(8448), 'bad-m-server'],
    ['the key is null', says(null), 'bad-m-server'],
    ['the key is empty', says(''), 'bad-m-server'],
    ['the key is a URL', says('https://b.fed.test'), 'bad-m-server'],
    ['the key has a path', says('b.fed.test/x'), 'bad-m-server'],
    ['the key has a bad port', says('b.fed.test:99999'), 'bad-m-server'],
    ['the key has a blank', says(' b.fed.test'), 'bad-m-server'],
    ['the key is unicode', says('b\u00fccher.test'), 'bad-m-server'],
    ['the key is bare IPv6', says('2001:db8::1'), 'bad-m-server'],
    ['the key is long', says('b'.repeat(20_000)), 'bad-m-server'],
    ['the document has 50 KiB', body('{"m.server":"b.fed.test:1"}'.padEnd(51_200)), 'too-large'],
    ['it redirects to plain http', moved(301, 'http://fed.test/x'), 'bad-redirect'],
    ['it redirects to something else', moved(301, 'mailto:a@fed.test'), 'bad-redirect'],
    ['it redirects to no URL', moved(301, 'https://[x'), 'bad-redirect'],
    ['it redirects to a URL of 5000 characters', moved(301, `https://fed.test/${'x'.repeat(5000)}`), 'bad-redirect'],
    ['it redirects nowhere', { status: 301 }, 'bad-redirect'],
    ['it redirects with a password', moved(301, 'https://u:p@www.fed.test/'), 'bad-redirect'],
    ['it redirects to itself', moved(302, `https://fed.test${PATH}`), 'redirect-loop'],
    ['it redirects 21 times', countdown(21), 'too-many-redirects'],
    ['it redirects 10,000 times', countdown(10_000), 'too-many-redirects'],
    ['it redirects to a name without a certificate', moved(301, 'https://other.test/'), 'untrusted'],
    ['it hangs up', (request) => void request.socket.destroy(), 'connection'],
  ] satisfies [string, Site, WellKnownProblem][]
).map(([title, site, problem]) => ({ title, ...fed(site), problem, ...FALLBACK }));
