import { buildKeyDocument } from '../../src/matrix/key-document.ts';
import { createSigningKey } from '../../src/matrix/signing.ts';
import { HAS_IPV6 } from '../harness/loopback.ts';
import { change, type DeploymentWorld, HOST, IMPATIENT, NAME, type Plan } from './deployment.ts';
import type { Row } from './deployments-dns.ts';
import { type Handler, KEY, sendJson, sendText, standIn } from './stand-in.ts';

const AT = `${NAME}:8448`;
const DAY = 86_400_000;

/** Puts something before the homeserver. */
function front(plan: Plan, before: (...args: [...Parameters<Handler>, pass: () => void]) => void): void {
  const { handle } = plan.listeners[AT]!;
  change(plan, AT, { handle: (request, response) => before(request, response, () => handle!(request, response)) });
}

/** Answers for the keys instead of the homeserver. */
function keys(answer: Handler): NonNullable<Row['breakIt']> {
  return (plan) =>
    front(plan, (request, response, pass) =>
      request.url === '/_matrix/key/v2/server' ? answer(request, response) : pass(),
    );
}

/** Answers for everything below a path. */
function below(path: RegExp, answer: Handler): NonNullable<Row['breakIt']> {
  return (plan) =>
    front(plan, (request, response, pass) => (path.test(request.url ?? '') ? answer(request, response) : pass()));
}

/** Rewrites the path before the homeserver sees it. */
function rewrite(change: (url: string) => string): NonNullable<Row['breakIt']> {
  return (plan) =>
    front(plan, (request, _response, pass) => {
      request.url = change(request.url ?? '');
      pass();
    });
}

function certificate(...wish: Parameters<DeploymentWorld['certificate']>): NonNullable<Row['breakIt']> {
  return (plan, world) => change(plan, AT, { certificate: world.certificate(...wish) });
}

const page =
  (status: number): Handler =>
  (_request, response) =>
    sendText(response, status, 'text/html', '<html><body>nginx</body></html>');
const text =
  (body: string | Buffer): Handler =>
  (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(body);
  };
const two = (plan: Plan): void => {
  plan.zone[`A ${NAME}`] = [
    ['A', '127.0.0.1'],
    ['A', '127.0.0.2'],
  ];
};
const six = (plan: Plan): void => {
  plan.zone[`AAAA ${NAME}`] = [['AAAA', '::1']];
};
/** Another handler for what arrives at one address. */
const elsewhere = (plan: Plan, address: string, other: Handler): void => {
  change(plan, AT, { addresses: ['127.0.0.1', address] });
  front(plan, (request, response, pass) =>
    request.socket.localAddress === address ? other(request, response) : pass(),
  );
};

export const ADDRESSES: readonly Row[] = [
  {
    name: 'nobody listens on port 8448',
    by: 'nothing',
    breakIt: (plan) => void delete plan.listeners[AT],
    finds: ['connection-refused'],
    works: false,
  },
  {
    name: 'nobody listens where the well-known document leads',
    by: 'well-known',
    breakIt: (plan) => void delete plan.listeners[`${HOST}:443`],
    finds: ['connection-refused'],
    works: false,
  },
  {
    name: 'Matrix on port 443 without a word of it',
    by: 'nothing',
    breakIt(plan) {
      plan.listeners[`${NAME}:443`] = plan.listeners[AT]!;
      delete plan.listeners[AT];
    },
    finds: ['delegation-missing'],
    works: false,
  },
  {
    name: 'the well-known document names port 443, and Matrix is on 8448',
    by: 'well-known',
    breakIt(plan) {
      plan.listeners[`${HOST}:8448`] = plan.listeners[`${HOST}:443`]!;
      delete plan.listeners[`${HOST}:443`];
    },
    finds: ['port-wrong'],
    works: false,
  },
  {
    name: 'the SRV record names the wrong port',
    by: 'srv',
    breakIt(plan) {
      plan.listeners[`${HOST}:443`] = plan.listeners[`${HOST}:8443`]!;
      delete plan.listeners[`${HOST}:8443`];
    },
    finds: ['port-wrong'],
    works: false,
  },
  {
    name: 'nobody at the second address',
    by: 'nothing',
    breakIt: two,
    finds: ['address-dead'],
    works: true,
  },
  {
    name: 'IPv6 is dead',
    by: 'nothing',
    unless: !HAS_IPV6,
    breakIt: six,
    finds: ['ipv6-dead'],
    works: true,
  },
  {
    name: 'IPv4 is dead',
    by: 'nothing',
    unless: !HAS_IPV6,
    breakIt(plan) {
      six(plan);
      change(plan, AT, { addresses: ['::1'] });
    },
    finds: ['ipv4-dead'],
    works: false,
  },
  {
    name: 'the AAAA record leads to the hoster',
    by: 'nothing',
    unless: !HAS_IPV6,
    breakIt(plan) {
      six(plan);
      elsewhere(plan, '::1', page(404));
    },
    finds: ['ipv6-elsewhere'],
    works: false,
  },
  {
    name: 'an old copy of the homeserver at the second address',
    by: 'nothing',
    breakIt(plan) {
      two(plan);
      const key = createSigningKey('ed25519:old', Buffer.alloc(32, 9));
      elsewhere(plan, '127.0.0.2', standIn({ serverName: NAME, key, fetchKeys: () => undefined }));
    },
    finds: ['keys-differ'],
    works: false,
  },
  {
    name: 'another server at the second address',
    by: 'nothing',
    breakIt(plan) {
      two(plan);
      elsewhere(plan, '127.0.0.2', standIn({ serverName: 'other.test', fetchKeys: () => undefined }));
    },
    finds: ['keys-wrong-server'],
    works: false,
  },
];

export const TLS_AND_KEYS: readonly Row[] = [
  {
    name: 'plain HTTP on the federation port',
    by: 'nothing',
    breakIt: (plan) => change(plan, AT, { raw: (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') }),
    finds: ['tls-missing'],
    works: false,
  },
  {
    name: 'a TLS port that never speaks',
    by: 'nothing',
    breakIt(plan) {
      plan.options = IMPATIENT;
      change(plan, AT, { raw: () => {} });
    },
    finds: ['tls-silent'],
    works: false,
  },
  {
    name: 'connections are accepted and closed',
    by: 'nothing',
    breakIt: (plan) => change(plan, AT, { raw: (socket) => void socket.destroy() }),
    finds: ['tls-handshake-failed'],
    works: false,
  },
  {
    name: 'a certificate for another name',
    by: 'nothing',
    breakIt: certificate(['other.test']),
    finds: ['tls-wrong-name'],
    works: false,
  },
  {
    name: 'a certificate for the server name where the delegated one is needed',
    by: 'well-known',
    breakIt: (plan, world) => change(plan, `${HOST}:443`, { certificate: world.certificate([NAME]) }),
    finds: ['tls-wrong-name'],
    works: false,
  },
  {
    name: 'a certificate for the SRV target',
    by: 'srv',
    breakIt: (plan, world) => change(plan, `${HOST}:8443`, { certificate: world.certificate([HOST]) }),
    finds: ['srv-certificate-for-target'],
    works: false,
  },
  {
    name: 'an expired certificate',
    by: 'nothing',
    breakIt: certificate([NAME], { notAfter: Date.now() - DAY }),
    finds: ['tls-expired'],
    works: false,
  },
  {
    name: 'a certificate of tomorrow',
    by: 'nothing',
    breakIt: certificate([NAME], { notBefore: Date.now() + DAY }),
    finds: ['tls-not-yet-valid'],
    works: false,
  },
  {
    name: 'a certificate that has three days left of ninety',
    by: 'nothing',
    breakIt: certificate([NAME], { notBefore: Date.now() - 87 * DAY, notAfter: Date.now() + 3 * DAY }),
    finds: ['tls-expires-soon'],
    works: true,
  },
  {
    name: 'a self-signed certificate',
    by: 'nothing',
    breakIt: certificate([NAME], { by: 'itself' }),
    finds: ['tls-self-signed'],
    works: false,
  },
  {
    name: 'a missing intermediate certificate',
    by: 'nothing',
    breakIt: certificate([NAME], { bare: true }),
    finds: ['tls-chain-incomplete'],
    works: false,
  },
  {
    name: 'an authority that nobody knows',
    by: 'nothing',
    breakIt: certificate([NAME], { by: 'stranger' }),
    finds: ['tls-authority-unknown'],
    works: false,
  },
  {
    name: 'a proxy without its homeserver',
    by: 'nothing',
    breakIt: below(/^/, page(502)),
    finds: ['homeserver-down'],
    works: false,
  },
  {
    name: 'a website where the homeserver should be',
    by: 'nothing',
    breakIt: below(/^/, page(404)),
    finds: ['keys-not-served'],
    works: false,
  },
  {
    name: 'a redirect of everything',
    by: 'nothing',
    breakIt: below(/^/, (request, response) => {
      response.writeHead(301, { Location: `https://www.example.test${request.url}` });
      response.end();
    }),
    finds: ['keys-redirected'],
    works: false,
  },
  {
    name: 'keys that never come',
    by: 'nothing',
    breakIt(plan, world) {
      plan.options = IMPATIENT;
      keys(() => {})(plan, world);
    },
    finds: ['keys-no-answer'],
    works: false,
  },
  {
    name: 'keys of a gigabyte',
    by: 'nothing',
    breakIt: keys((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 1_000_000_000 });
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(65_536)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    }),
    finds: ['keys-too-large'],
    works: false,
  },
  { name: 'keys that are a web page', by: 'nothing', breakIt: keys(page(200)), finds: ['keys-not-json'], works: false },
  {
    name: 'keys in bad UTF-8',
    by: 'nothing',
    breakIt: keys(text(Buffer.from('7b22ff223a317d', 'hex'))),
    finds: ['keys-not-json'],
    works: false,
  },
  {
    name: 'a homeserver with another server_name',
    by: 'nothing',
    breakIt: (plan, world) => change(plan, AT, { handle: world.homeserver(plan, HOST) }),
    finds: ['keys-wrong-server'],
    works: false,
  },
  {
    name: 'a key document without keys',
    by: 'nothing',
    breakIt: keys((_request, response) =>
      sendJson(response, 200, { server_name: NAME, valid_until_ts: Date.now() + DAY, verify_keys: {}, signatures: {} }),
    ),
    finds: ['keys-none'],
    works: false,
  },
  {
    name: 'a signature over other bytes',
    by: 'nothing',
    breakIt: keys((_request, response) => {
      const document = buildKeyDocument(NAME, KEY, Date.now() + DAY);
      sendJson(response, 200, { ...document, valid_until_ts: Date.now() + 2 * DAY });
    }),
    finds: ['keys-bad-signature'],
    works: false,
  },
  {
    name: 'keys of yesterday',
    by: 'nothing',
    breakIt: keys((_request, response) => sendJson(response, 200, buildKeyDocument(NAME, KEY, Date.now() - DAY))),
    finds: ['keys-expired'],
    works: false,
  },
  {
    name: 'keys that are valid for a minute',
    by: 'nothing',
    breakIt: keys((_request, response) => sendJson(response, 200, buildKeyDocument(NAME, KEY, Date.now() + 60_000))),
    finds: ['keys-expire-soon'],
    works: true,
  },
  {
    name: 'keys as text/plain',
    by: 'nothing',
    breakIt: keys((_request, response) =>
      sendText(response, 200, 'text/plain', JSON.stringify(buildKeyDocument(NAME, KEY, Date.now() + DAY))),
    ),
    finds: ['keys-content-type'],
    works: false,
  },
  {
    name: 'a clock that is an hour slow',
    by: 'nothing',
    breakIt: (plan) =>
      front(plan, (_request, response, pass) => {
        response.setHeader('Date', new Date(Date.now() - 3_600_000).toUTCString());
        pass();
      }),
    finds: ['clock-skew'],
    works: true,
  },
];

export const REQUESTS: readonly Row[] = [
  {
    name: 'only the keys are forwarded',
    by: 'nothing',
    breakIt: below(/^\/_matrix\/federation/, page(404)),
    finds: ['federation-not-forwarded'],
    works: false,
  },
  {
    name: 'the version is not forwarded',
    by: 'nothing',
    breakIt: below(/version$/, page(404)),
    finds: ['version-missing'],
    works: true,
  },
  {
    name: 'a web page for endpoints that are not on a list',
    by: 'nothing',
    breakIt: below(/matrix-sidecar-check$/, (request, response) =>
      request.url?.includes('/event/') ? standInEvent(response) : page(200)(request, response),
    ),
    finds: ['unknown-endpoint', 'signature-not-checked'],
    works: true,
  },
  {
    name: 'escapes are decoded on the way',
    by: 'nothing',
    breakIt: rewrite((url) => url.replaceAll('%2F', '/').replaceAll('%21', '!')),
    finds: ['path-mangled'],
    works: false,
  },
  {
    name: 'escapes other than %2F are decoded on the way',
    by: 'nothing',
    breakIt: rewrite((url) => url.replaceAll('%21', '!').replaceAll('%24', '$').replaceAll('%3A', ':')),
    finds: ['path-mangled'],
    works: false,
  },
  {
    name: 'escapes are encoded once more on the way',
    by: 'nothing',
    breakIt: rewrite((url) => url.replaceAll('%', '%25')),
    finds: ['path-mangled'],
    works: false,
  },
  {
    name: 'escapes in the query are decoded on the way',
    by: 'nothing',
    breakIt: rewrite((url) => url.replace(/\?.*/, (query) => decodeURIComponent(query))),
    finds: ['path-mangled'],
    works: false,
  },
  {
    name: 'escaped slashes are refused on the way',
    by: 'nothing',
    breakIt: below(/%2F/, page(400)),
    finds: ['path-refused'],
    works: false,
  },
  {
    name: 'double slashes are merged on the way',
    by: 'nothing',
    breakIt: rewrite((url) => url.replaceAll('//', '/')),
    finds: ['slashes-merged'],
    works: true,
  },
  {
    name: 'a prefix is added to every path',
    by: 'nothing',
    breakIt: rewrite((url) => (url.includes('/event/') ? `${url}/` : url)),
    finds: ['signature-rejected'],
    works: false,
  },
  {
    name: 'the Authorization header is removed on the way',
    by: 'nothing',
    breakIt: (plan) =>
      front(plan, (request, _response, pass) => {
        delete request.headers.authorization;
        pass();
      }),
    finds: ['authorization-stripped'],
    works: false,
  },
  {
    name: 'the server federates with others only',
    by: 'nothing',
    breakIt: (plan) =>
      front(plan, (request, response, pass) =>
        request.headers.authorization === undefined
          ? pass()
          : sendJson(response, 403, { errcode: 'M_FORBIDDEN', error: 'Federation denied with tester.test.' }),
      ),
    finds: ['federation-denied'],
    works: true,
  },
  {
    name: 'bodies are limited to 1 MB by a proxy',
    by: 'nothing',
    breakIt(plan) {
      plan.options = { largeBody: 12_000_000 };
      front(plan, (request, response, pass) =>
        Number(request.headers['content-length'] ?? 0) > 1_000_000 ? page(413)(request, response) : pass(),
      );
    },
    finds: ['body-limit'],
    works: false,
  },
  {
    name: 'bodies are limited to 1 MB by hanging up',
    by: 'nothing',
    breakIt(plan) {
      plan.options = { largeBody: 12_000_000 };
      front(plan, (request, _response, pass) =>
        Number(request.headers['content-length'] ?? 0) > 1_000_000 ? void request.socket.destroy() : pass(),
      );
    },
    finds: ['body-limit'],
    works: false,
  },
  {
    name: 'nothing is wrong with a body of 12 MB',
    by: 'nothing',
    breakIt: (plan) => {
      plan.options = { largeBody: 12_000_000 };
    },
    finds: [],
    works: true,
  },
  {
    name: 'requests that take long are cut off',
    by: 'nothing',
    breakIt(plan) {
      plan.options = { hold: { target: '/_matrix/hold', ms: 60_000 } };
      below(/hold$/, page(504))(plan, undefined as never);
    },
    finds: ['hold-cut'],
    works: true,
  },
  {
    name: 'nobody can fetch the keys of the tester',
    by: 'nothing',
    breakIt(plan) {
      plan.identityReachable = false;
    },
    finds: [],
    works: true,
  },
];

function standInEvent(response: Parameters<Handler>[1]): void {
  sendJson(response, 404, '');
}
