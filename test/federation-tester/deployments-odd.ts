import { buildKeyDocument } from '../../src/matrix/key-document.ts';
import { createSigningKey, signJson } from '../../src/matrix/signing.ts';
import { HAS_IPV6 } from '../harness/loopback.ts';
import { change, HOST, NAME, type Plan, wellKnown } from './deployment.ts';
import type { Row } from './deployments-dns.ts';
import { type Handler, KEY, sendJson, sendText } from './stand-in.ts';

const AT = `${NAME}:8448`;
const WEB = `${NAME}:443`;
const KEYS = '/_matrix/key/v2/server';
const DAY = 86_400_000;
type Change = NonNullable<Row['breakIt']>;

/** Puts something before the homeserver. */
function front(at: string, before: (...args: [...Parameters<Handler>, pass: () => void]) => void): Change {
  return (plan) => {
    const { handle } = plan.listeners[at]!;
    change(plan, at, { handle: (request, response) => before(request, response, () => handle!(request, response)) });
  };
}

const keys = (answer: Handler): Change =>
  front(AT, (request, response, pass) => (request.url === KEYS ? answer(request, response) : pass()));
const event = (answer: Handler): Change =>
  front(AT, (request, response, pass) =>
    /\/(event|send)\//.test(request.url ?? '') ? answer(request, response) : pass(),
  );
const page =
  (status: number, headers: Readonly<Record<string, string>> = {}): Handler =>
  (_request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    sendText(response, status, 'text/html', '<!DOCTYPE html><p>no</p>');
  };
const document = (): string => JSON.stringify(buildKeyDocument(NAME, KEY, Date.now() + DAY));
/** What many websites say to everything. */
const website = (plan: Plan, certificate: NonNullable<Plan['listeners'][string]['certificate']>): void => {
  plan.listeners[WEB] = { addresses: ['127.0.0.1'], certificate, handle: page(200) };
};
/** In the words of another homeserver. */
const refuseUnsigned = (status: number, body: object): Change =>
  front(AT, (request, response, pass) => {
    if (request.headers.authorization !== undefined || !/\/(event|send)\//.test(request.url ?? '')) return pass();
    request.resume();
    sendJson(response, status, body);
  });

export const ODD_BUT_HEALTHY: readonly Row[] = [
  {
    name: 'two signing keys and an old one',
    by: 'nothing',
    breakIt: keys((_request, response) => {
      const second = createSigningKey('ed25519:b_2', Buffer.alloc(32, 2));
      const unsignedDocument = {
        server_name: NAME,
        valid_until_ts: Date.now() + DAY,
        verify_keys: { [KEY.keyId]: { key: KEY.publicKey }, [second.keyId]: { key: second.publicKey } },
        old_verify_keys: { 'ed25519:0ldk3y': { key: second.publicKey, expired_ts: 1_500_000_000_000 } },
      };
      const once = signJson(unsignedDocument, NAME, KEY.keyId, KEY.privateKey);
      sendJson(response, 200, signJson(once, NAME, second.keyId, second.privateKey));
    }),
    finds: [],
    works: true,
  },
  {
    name: 'a well-known document with a charset, blanks and a line at its end',
    by: 'well-known',
    breakIt: (plan) =>
      change(plan, WEB, {
        handle(_request, response) {
          response.setHeader('Access-Control-Allow-Origin', '*');
          sendText(response, 200, 'application/json; charset=utf-8', `\r\n{ "m.server" : "${HOST}:443" }\n\n`);
        },
      }),
    finds: [],
    works: true,
  },
  {
    name: 'a wildcard certificate with two hundred other names',
    by: 'well-known',
    breakIt(plan, world) {
      const names = [...Array.from({ length: 200 }, (_, index) => `customer-${index}.hoster.test`), `*.${NAME}`];
      change(plan, `${HOST}:443`, { certificate: world.certificate(names) });
    },
    finds: [],
    works: true,
  },
  {
    name: 'IPv6 alone',
    by: 'nothing',
    unless: !HAS_IPV6,
    breakIt(plan) {
      plan.zone[`A ${NAME}`] = [];
      plan.zone[`AAAA ${NAME}`] = [['AAAA', '::1']];
      change(plan, AT, { addresses: ['::1'] });
    },
    finds: [],
    works: true,
  },
  {
    name: 'refusals without errcode (Dendrite)',
    by: 'nothing',
    breakIt: refuseUnsigned(401, { message: 'Missing "Authorization: X-Matrix ..." HTTP header' }),
    finds: [],
    works: true,
  },
  {
    name: 'refusals with 403 (Conduit and its kin)',
    by: 'nothing',
    breakIt: refuseUnsigned(403, { errcode: 'M_FORBIDDEN', error: 'Missing Authorization header.' }),
    finds: [],
    works: true,
  },
  {
    name: 'a firewall that stops who does not say who it is',
    by: 'well-known',
    breakIt(plan, world) {
      for (const at of [WEB, `${HOST}:443`]) {
        front(at, (request, response, pass) =>
          /^[\w-]+\/[\d.]+/.test(request.headers['user-agent'] ?? '') ? pass() : page(403)(request, response),
        )(plan, world);
      }
    },
    finds: [],
    works: true,
  },
  {
    name: 'keys that a cache has had for ten minutes',
    by: 'nothing',
    breakIt: keys((_request, response) => {
      response.setHeader('Date', new Date(Date.now() - 600_000).toUTCString());
      response.setHeader('Age', '600');
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(document());
    }),
    finds: [],
    works: true,
  },
  {
    name: 'a limit on requests that lets the first one through',
    by: 'nothing',
    breakIt(plan, world) {
      let asked = 0;
      front(AT, (request, response, pass) => {
        asked += 1;
        if (asked < 3) return pass();
        request.resume();
        sendJson(response, 429, { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1000 });
      })(plan, world);
    },
    finds: [],
    works: true,
  },
  {
    name: 'a large request that is refused for its signature before it is read',
    by: 'nothing',
    breakIt(plan, world) {
      plan.options = { largeBody: 12_000_000, identity: undefined };
      front(AT, (request, response, pass) => {
        if (request.method !== 'PUT') return pass();
        sendJson(response, 401, { errcode: 'M_UNAUTHORIZED' });
        setTimeout(() => request.socket.destroy(), 300);
      })(plan, world);
    },
    finds: [],
    works: true,
  },
  {
    name: 'answers that end with the connection, as in HTTP/1.0',
    by: 'nothing',
    breakIt: keys((_request, response) => {
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(document());
    }),
    finds: [],
    works: true,
  },
];

export const ODDLY_BROKEN: readonly Row[] = [
  {
    name: 'the well-known document redirects to a host without address',
    by: 'well-known',
    breakIt: (plan) =>
      change(plan, WEB, {
        handle(_request, response) {
          response.writeHead(301, { Location: 'https://gone.example.test/' });
          response.end();
        },
      }),
    finds: ['well-known-bad-redirect'],
    works: false,
  },
  {
    name: 'the well-known document redirects to where nobody listens',
    by: 'well-known',
    breakIt(plan) {
      plan.zone['A www.example.test'] = [['A', '127.0.0.1']];
      change(plan, WEB, {
        handle(_request, response) {
          response.writeHead(301, { Location: 'https://www.example.test/' });
          response.end();
        },
      });
    },
    finds: ['well-known-bad-redirect'],
    works: false,
  },
  {
    name: 'delegated by SRV, a website that says 200 to everything, and an expired certificate',
    by: 'srv',
    breakIt(plan, world) {
      website(plan, world.certificate([NAME]));
      const certificate = world.certificate([NAME], { notAfter: Date.now() - DAY });
      change(plan, `${HOST}:8443`, { certificate });
    },
    finds: ['tls-expired', 'well-known-not-json'],
    works: false,
  },
  {
    name: 'on port 8448, a website that says 200 to everything, and an expired certificate',
    by: 'nothing',
    breakIt(plan, world) {
      website(plan, world.certificate([NAME]));
      change(plan, AT, { certificate: world.certificate([NAME], { notAfter: Date.now() - DAY }) });
    },
    finds: ['tls-expired', 'well-known-not-json'],
    works: false,
  },
  {
    name: 'on port 8448, and a well-known document with a URL in it, which Synapse stumbles over',
    by: 'nothing',
    breakIt(plan, world) {
      const certificate = world.certificate([NAME]);
      plan.listeners[WEB] = { addresses: ['127.0.0.1'], certificate, handle: wellKnown(`https://${HOST}/`) };
    },
    finds: ['well-known-bad-m-server'],
    works: false,
  },
  {
    name: 'm.server with the dot of an absolute name, which Synapse stumbles over',
    by: 'well-known',
    breakIt(plan) {
      change(plan, WEB, { handle: wellKnown(`${HOST}.:443`) });
      plan.zone[`A ${HOST}.`] = plan.zone[`A ${HOST}`]!;
      plan.listeners[`${HOST}.:443`] = plan.listeners[`${HOST}:443`]!;
    },
    finds: ['tls-wrong-name'],
    works: false,
  },
  {
    name: 'a wildcard certificate for a name with an umlaut, which Synapse stumbles over',
    by: 'well-known',
    breakIt(plan, world) {
      const host = `xn--mtrix-gra.${NAME}`;
      change(plan, WEB, { handle: wellKnown(`${host}:443`) });
      plan.zone[`A ${host}`] = plan.zone[`A ${HOST}`]!;
      plan.listeners[`${host}:443`] = {
        ...plan.listeners[`${HOST}:443`]!,
        certificate: world.certificate([`*.${NAME}`]),
      };
    },
    finds: ['tls-wrong-name'],
    works: false,
  },
  {
    name: 'only the keys and the version are forwarded',
    by: 'nothing',
    breakIt: front(AT, (request, response, pass) =>
      request.url === KEYS || request.url?.endsWith('/version') ? pass() : page(404)(request, response),
    ),
    finds: ['federation-not-forwarded'],
    works: false,
  },
  {
    name: 'the worker for federation is gone',
    by: 'nothing',
    breakIt: event(page(502)),
    finds: ['homeserver-down'],
    works: false,
  },
  {
    name: 'Cloudflare without its origin',
    by: 'nothing',
    breakIt: front(AT, page(521, { Server: 'cloudflare' })),
    finds: ['homeserver-down'],
    works: false,
  },
  {
    name: 'Cloudflare that takes servers for robots',
    by: 'nothing',
    breakIt: front(AT, page(403, { Server: 'cloudflare' })),
    finds: ['keys-not-served'],
    works: false,
  },
  {
    name: 'keys with a byte order mark',
    by: 'nothing',
    breakIt: keys((_request, response) => sendText(response, 200, 'application/json', `\ufeff${document()}`)),
    finds: ['keys-not-json'],
    works: false,
  },
  {
    name: 'keys without a Content-Type',
    by: 'nothing',
    breakIt: keys((_request, response) => {
      response.writeHead(200);
      response.end(document());
    }),
    finds: ['keys-content-type'],
    works: false,
  },
  {
    name: 'a clock that is two minutes slow',
    by: 'nothing',
    breakIt: front(AT, (_request, response, pass) => {
      response.setHeader('Date', new Date(Date.now() - 120_000).toUTCString());
      pass();
    }),
    finds: ['clock-skew'],
    works: true,
  },
];
