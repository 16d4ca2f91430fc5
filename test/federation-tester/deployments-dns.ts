import { HAS_IPV6 } from '../harness/loopback.ts';
import { change, type DeploymentWorld, HOST, IMPATIENT, NAME, type Plan, wellKnown } from './deployment.ts';
import { sendJson, sendText } from './stand-in.ts';

/** One deployment, and what has to be found. */
export interface Row {
  readonly name: string;
  readonly by: 'nothing' | 'well-known' | 'srv';
  readonly breakIt?: (plan: Plan, world: DeploymentWorld) => void;
  /** Ids, in any order. */
  readonly finds: readonly string[];
  readonly works: boolean;
  /** Where it has something that not every machine has. */
  readonly unless?: boolean;
}

const TEXT = '/.well-known/matrix/server';
const document = (body: string, type = 'application/json') => ({
  handle: (_request: unknown, response: Parameters<typeof sendText>[0]) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    sendText(response, 200, type, body);
  },
});
const redirect = (status: number, to: (url: string) => string) => ({
  handle: (request: { url?: string | undefined }, response: Parameters<typeof sendText>[0]) => {
    response.writeHead(status, { Location: to(request.url ?? '') });
    response.end();
  },
});
const SRV = [`SRV _matrix-fed._tcp.${NAME}`, `SRV _matrix._tcp.${NAME}`] as const;
function setSrv(plan: Plan, data: string): void {
  for (const name of SRV) plan.zone[name] = [['SRV', data]];
}
const WEB = `${NAME}:443`;

export const HEALTHY: readonly Row[] = [
  { name: 'on port 8448 of the server name', by: 'nothing', finds: [], works: true },
  { name: 'delegated by well-known', by: 'well-known', finds: [], works: true },
  { name: 'delegated by SRV', by: 'srv', finds: [], works: true },
  {
    name: 'delegated by well-known to a name with SRV records',
    by: 'well-known',
    breakIt(plan, world) {
      change(plan, WEB, { handle: wellKnown(HOST) });
      plan.zone[`SRV _matrix-fed._tcp.${HOST}`] = [['SRV', `10 5 8443 backend.test`]];
      plan.zone[`SRV _matrix._tcp.${HOST}`] = [['SRV', `10 5 8443 backend.test`]];
      plan.zone['A backend.test'] = [['A', '127.0.0.1']];
      plan.listeners['backend.test:8443'] = {
        ...plan.listeners[`${HOST}:443`]!,
        certificate: world.certificate([HOST]),
      };
    },
    finds: [],
    works: true,
  },
  {
    name: 'delegated by well-known, with an SRV record for old servers that leads to the same place',
    by: 'well-known',
    breakIt(plan) {
      plan.zone[SRV[1]] = [['SRV', `10 5 443 ${HOST}`]];
    },
    finds: [],
    works: true,
  },
  {
    name: 'a port in the server name',
    by: 'nothing',
    breakIt(plan, world) {
      plan.asked = `${NAME}:8443`;
      plan.listeners[`${NAME}:8443`] = {
        ...plan.listeners[`${NAME}:8448`]!,
        handle: world.homeserver(plan, plan.asked),
      };
    },
    finds: [],
    works: true,
  },
  {
    name: 'an address as the server name',
    by: 'nothing',
    breakIt(plan, world) {
      plan.asked = '127.0.0.1';
      plan.listeners['127.0.0.1:8448'] = {
        addresses: ['127.0.0.1'],
        certificate: world.certificate(['127.0.0.1']),
        handle: world.homeserver(plan, plan.asked),
      };
    },
    finds: [],
    works: true,
  },
  {
    name: 'a redirect of the well-known document with 301',
    by: 'well-known',
    breakIt(plan, world) {
      change(
        plan,
        WEB,
        redirect(301, (url) => `https://www.example.test${url}`),
      );
      plan.zone['A www.example.test'] = [['A', '127.0.0.1']];
      plan.listeners['www.example.test:443'] = {
        addresses: ['127.0.0.1'],
        certificate: world.certificate(['www.example.test']),
        handle: wellKnown(),
      };
    },
    finds: [],
    works: true,
  },
  {
    name: 'a website without the document on port 443, and Matrix on 8448',
    by: 'nothing',
    breakIt(plan, world) {
      plan.listeners[WEB] = {
        addresses: ['127.0.0.1'],
        certificate: world.certificate([NAME]),
        handle: (_request, response) => sendText(response, 404, 'text/html', '<h1>Not found</h1>'),
      };
    },
    finds: [],
    works: true,
  },
  {
    name: 'IPv4 and IPv6',
    by: 'nothing',
    unless: !HAS_IPV6,
    breakIt(plan) {
      plan.zone[`AAAA ${NAME}`] = [['AAAA', '::1']];
      change(plan, `${NAME}:8448`, { addresses: ['127.0.0.1', '::1'] });
    },
    finds: [],
    works: true,
  },
];

export const DNS_AND_SRV: readonly Row[] = [
  {
    name: 'the server name has no address',
    by: 'nothing',
    breakIt: (plan) => void delete plan.zone[`A ${NAME}`],
    finds: ['dns-no-address'],
    works: false,
  },
  {
    name: 'the delegated host has no address',
    by: 'well-known',
    breakIt: (plan) => void delete plan.zone[`A ${HOST}`],
    finds: ['dns-no-address'],
    works: false,
  },
  {
    name: 'the zone answers SERVFAIL to everything',
    by: 'nothing',
    breakIt(plan) {
      for (const question of [`A ${NAME}`, `AAAA ${NAME}`, ...SRV]) plan.zone[question] = 'SERVFAIL';
    },
    finds: ['dns-lookup-failed'],
    works: false,
  },
  {
    name: 'the zone answers SERVFAIL to SRV questions only',
    by: 'nothing',
    breakIt(plan) {
      for (const question of SRV) plan.zone[question] = 'SERVFAIL';
    },
    finds: ['srv-lookup-failed'],
    works: false,
  },
  {
    name: 'the SRV target has no address',
    by: 'srv',
    breakIt: (plan) => void delete plan.zone[`A ${HOST}`],
    finds: ['srv-target-without-address'],
    works: false,
  },
  {
    name: 'one of two SRV targets has no address',
    by: 'srv',
    breakIt(plan) {
      for (const name of SRV) {
        plan.zone[name] = [
          ['SRV', `10 5 8443 ${HOST}`],
          ['SRV', '20 5 8443 gone.example.test'],
        ];
      }
    },
    finds: ['srv-target-without-address'],
    works: true,
  },
  {
    name: 'the SRV target is an address',
    by: 'srv',
    breakIt(plan) {
      setSrv(plan, '10 5 8443 127.0.0.1');
      plan.listeners['127.0.0.1:8443'] = plan.listeners[`${HOST}:8443`]!;
    },
    finds: ['srv-target-is-address'],
    works: true,
  },
  {
    name: 'the SRV target is an alias',
    by: 'srv',
    breakIt(plan) {
      plan.zone[`A ${HOST}`] = [
        ['CNAME', 'real.example.test'],
        ['A', '127.0.0.1', 'real.example.test'],
      ];
      plan.zone[`CNAME ${HOST}`] = [['CNAME', 'real.example.test']];
    },
    finds: ['srv-target-is-alias'],
    works: true,
  },
  {
    name: 'the SRV record says that there is no service',
    by: 'srv',
    breakIt: (plan) => setSrv(plan, '0 0 0 .'),
    finds: ['srv-not-offered'],
    works: false,
  },
  {
    name: 'SRV under the old name only',
    by: 'srv',
    breakIt: (plan) => void delete plan.zone[SRV[0]],
    finds: ['srv-old-name-only'],
    works: true,
  },
  {
    name: 'SRV under the new name only',
    by: 'srv',
    breakIt: (plan) => void delete plan.zone[SRV[1]],
    finds: ['srv-new-name-only'],
    works: true,
  },
  {
    name: 'the SRV records of the two names lead to different places that both work',
    by: 'srv',
    breakIt(plan) {
      plan.zone[SRV[1]] = [['SRV', '10 5 8448 other.example.test']];
      plan.zone['A other.example.test'] = [['A', '127.0.0.1']];
      plan.listeners['other.example.test:8448'] = plan.listeners[`${HOST}:8443`]!;
    },
    finds: ['srv-names-disagree'],
    works: true,
  },
  {
    name: 'the SRV record for old servers leads to a closed port',
    by: 'well-known',
    breakIt(plan) {
      plan.zone[SRV[1]] = [['SRV', `10 5 8448 ${HOST}`]];
    },
    finds: ['srv-stale'],
    works: true,
  },
  {
    name: 'the SRV record for old servers leads to a host that is gone',
    by: 'well-known',
    breakIt(plan) {
      plan.zone[SRV[1]] = [['SRV', '10 5 8448 gone.example.test']];
    },
    finds: ['srv-stale'],
    works: true,
  },
  {
    name: 'SRV with 500 targets',
    by: 'srv',
    breakIt(plan) {
      for (const name of SRV) {
        plan.zone[name] = Array.from(
          { length: 500 },
          (_, index) => ['SRV', `10 5 8443 h${index}.example.test`] as const,
        );
      }
      for (let index = 0; index < 500; index += 1) plan.zone[`A h${index}.example.test`] = [['A', '127.0.0.1']];
      plan.listeners['*:8443'] = plan.listeners[`${HOST}:8443`]!;
    },
    finds: ['too-many-addresses'],
    works: true,
  },
  {
    name: 'a public test of a server that has private addresses only',
    by: 'nothing',
    breakIt(plan) {
      plan.policy = { reach: 'public' };
      plan.options = { allowPrivate: false };
    },
    finds: ['address-private'],
    works: false,
  },
];

export const WELL_KNOWN: readonly Row[] = [
  ...(
    [
      ['a web page', document('<!DOCTYPE html>', 'text/html'), 'well-known-not-json'],
      ['nothing', document(''), 'well-known-not-json'],
      ['a list', document('["m.server"]'), 'well-known-not-json'],
      ['bad UTF-8', { handle: badUtf8 }, 'well-known-not-json'],
      ['another key', document('{"server": "x"}'), 'well-known-no-m-server'],
      ['a URL', document(`{"m.server": "https://${HOST}"}`), 'well-known-bad-m-server'],
      ['a host with a path', document(`{"m.server": "${HOST}/_matrix"}`), 'well-known-bad-m-server'],
      ['a port of 70000', document(`{"m.server": "${HOST}:70000"}`), 'well-known-bad-m-server'],
      ['a name with an umlaut', document('{"m.server": "mätrix.test"}'), 'well-known-bad-m-server'],
      ['a body without end', { handle: endless }, 'well-known-too-large'],
      ['a redirect to itself', redirect(302, (url) => url), 'well-known-redirect-loop'],
      ['a redirect to ever new places', redirect(302, (url) => `${url}x`), 'well-known-too-many-redirects'],
      ['a redirect to clear text', redirect(302, () => `http://${NAME}${TEXT}`), 'well-known-bad-redirect'],
      ['a redirect without a place', { handle: nowhere }, 'well-known-bad-redirect'],
      ['status 403', { handle: status(403) }, 'well-known-status'],
      ['status 500', { handle: status(500) }, 'well-known-status'],
      ['no answer', { handle: () => {} }, 'well-known-no-answer'],
      [
        'no TLS',
        { raw: (socket: { end(text: string): void }) => socket.end('HTTP/1.1 400 no\r\n\r\n') },
        'well-known-no-answer',
      ],
      ['no word', { raw: () => {} }, 'well-known-no-answer'],
    ] as const
  ).map(([what, listener, id]): Row => {
    return {
      name: `instead of the well-known document, there is ${what}`,
      by: 'well-known',
      breakIt: (plan) => {
        change(plan, WEB, listener as never);
        if (id === 'well-known-no-answer') plan.options = IMPATIENT;
      },
      // Where nobody could read it, nobody knows whether there is a document: port 8448 counts as well.
      finds: /-(no-answer|status)$/.test(id) ? [id, 'connection-refused'] : [id],
      works: false,
    };
  }),
  {
    name: 'the certificate of the website has expired',
    by: 'well-known',
    breakIt: (plan, world) =>
      change(plan, WEB, { certificate: world.certificate([NAME], { notAfter: Date.now() - 1_000 }) }),
    finds: ['well-known-untrusted', 'connection-refused'],
    works: false,
  },
  {
    name: 'the certificate is for another name, on port 443 and on 8448',
    by: 'nothing',
    breakIt(plan, world) {
      change(plan, `${NAME}:8448`, { certificate: world.certificate(['other.test']) });
      plan.listeners[WEB] = { ...plan.listeners[`${NAME}:8448`]! };
    },
    finds: ['well-known-untrusted', 'tls-wrong-name'],
    works: false,
  },
  {
    name: 'plain HTTP on port 443 and on 8448',
    by: 'nothing',
    breakIt(plan) {
      const raw = (socket: { end(text: string): void }): unknown => socket.end('HTTP/1.1 400 no\r\n\r\n');
      plan.listeners[`${NAME}:8448`] = { addresses: ['127.0.0.1'], raw } as never;
      plan.listeners[WEB] = { addresses: ['127.0.0.1'], raw } as never;
    },
    finds: ['well-known-no-answer', 'tls-missing'],
    works: false,
  },
  {
    name: 'a broken well-known document, and a certificate for another name on 8448',
    by: 'nothing',
    breakIt(plan, world) {
      plan.listeners[WEB] = { addresses: ['127.0.0.1'], certificate: world.certificate([NAME]), ...document('{}') };
      const stranger = world.homeserver(plan, 'other.test');
      change(plan, `${NAME}:8448`, { certificate: world.certificate(['other.test']), handle: stranger });
    },
    finds: ['well-known-no-m-server', 'keys-wrong-server', 'tls-wrong-name'],
    works: false,
  },
  {
    name: 'an m.server with an umlaut, and Matrix on 8448',
    by: 'nothing',
    breakIt(plan, world) {
      const certificate = world.certificate([NAME]);
      plan.listeners[WEB] = { addresses: ['127.0.0.1'], certificate, ...document('{"m.server": "mätrix.test"}') };
    },
    finds: ['well-known-bad-m-server'],
    works: false,
  },
  {
    name: 'a web page for everything on port 443, and Matrix on 8448',
    by: 'nothing',
    breakIt(plan, world) {
      const certificate = world.certificate([NAME]);
      plan.listeners[WEB] = { addresses: ['127.0.0.1'], certificate, ...document('<html>', 'text/html') };
    },
    finds: ['well-known-not-json'],
    works: true,
  },
  {
    name: 'a redirect with 308',
    by: 'well-known',
    breakIt(plan) {
      const origin = wellKnown();
      change(plan, WEB, {
        handle(request, response) {
          if (request.url === TEXT) return redirect(308, () => '/matrix.json').handle(request, response);
          request.url = TEXT;
          origin(request, response);
        },
      });
    },
    finds: ['well-known-308'],
    works: true,
  },
  {
    name: 'text/plain',
    by: 'well-known',
    breakIt: (plan) => change(plan, WEB, document(`{"m.server": "${HOST}:443"}`, 'text/plain')),
    finds: ['well-known-content-type'],
    works: true,
  },
  {
    name: 'no CORS header',
    by: 'well-known',
    breakIt: (plan) =>
      change(plan, WEB, { handle: (_request, response) => sendJson(response, 200, { 'm.server': `${HOST}:443` }) }),
    finds: ['well-known-no-cors'],
    works: true,
  },
  {
    name: 'Cache-Control: no-store',
    by: 'well-known',
    breakIt: (plan) =>
      change(plan, WEB, {
        handle(request, response) {
          response.setHeader('Cache-Control', 'no-store');
          wellKnown()(request, response);
        },
      }),
    finds: ['well-known-not-cached'],
    works: true,
  },
  {
    name: 'another document at the second address',
    by: 'well-known',
    breakIt(plan) {
      plan.zone[`A ${NAME}`] = [
        ['A', '127.0.0.1'],
        ['A', '127.0.0.2'],
      ];
      change(plan, WEB, {
        addresses: ['127.0.0.1', '127.0.0.2'],
        handle(request, response) {
          const second = request.socket.localAddress === '127.0.0.2';
          wellKnown(second ? 'old.example.test:443' : `${HOST}:443`)(request, response);
        },
      });
    },
    finds: ['well-known-differs'],
    works: false,
  },
  {
    name: 'nobody at the second address of the website',
    by: 'well-known',
    breakIt(plan) {
      plan.zone[`A ${NAME}`] = [
        ['A', '127.0.0.1'],
        ['A', '127.0.0.2'],
      ];
    },
    finds: ['well-known-address-dead'],
    works: true,
  },
];

function badUtf8(_request: unknown, response: Parameters<typeof sendText>[0]): void {
  response.end(Buffer.from('7b226d2e736572766572223a22ff227d', 'hex'));
}

function endless(_request: unknown, response: Parameters<typeof sendText>[0]): void {
  const more = (): void => {
    while (!response.destroyed && response.write(' '.repeat(16_384)));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}

function nowhere(_request: unknown, response: Parameters<typeof sendText>[0]): void {
  response.writeHead(302);
  response.end();
}

function status(code: number) {
  return (_request: unknown, response: Parameters<typeof sendText>[0]): void =>
    sendText(response, code, 'text/html', '<h1>No</h1>');
}
