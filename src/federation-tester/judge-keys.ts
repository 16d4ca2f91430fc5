import type { HttpsOutcome } from '../base/https-exchange.ts';
import { parseServerName } from '../matrix/server-name.ts';
import { formatDuration, formatTime, quote } from './quote.ts';
import { describeOutcome, isGatewayError, readErrcode, readHeader } from './read-answer.ts';
import { type KeysSeen, readKeys } from './read-keys.ts';
import type { Remark } from './verdict.ts';
import { FORWARD_EVERYTHING } from './write-lines.ts';

const HOUR = 3_600_000;
const TARGET = 'GET /_matrix/key/v2/server';

/** The signing keys of one address: without them, nobody believes a word of this server's. */
export function* judgeKeys(outcome: HttpsOutcome, serverName: string, now: number): Generator<Remark> {
  const seen = describeOutcome(outcome);
  if (!outcome.ok) {
    // Earlier failures are those of the connection and of TLS.
    if (outcome.tls === undefined && outcome.failure !== 'bad-http') return;
    yield {
      id: 'keys-no-answer',
      evidence: `${TARGET}: ${seen}`,
      fix: 'Look at the logs of the proxy and of the homeserver: other servers give up after ten seconds.',
    };
    return;
  }
  if (outcome.status !== 200) return yield judgeStatus(outcome, seen);
  if (outcome.cut) {
    yield {
      id: 'keys-too-large',
      evidence: `${TARGET}: more than ${outcome.body.length} bytes`,
      fix: 'Find out what answers for /_matrix/key/v2/server: key documents have a few hundred bytes.',
    };
    return;
  }
  const keys = readKeys(outcome, serverName);
  if (keys === undefined) {
    yield {
      id: 'keys-not-json',
      evidence: `${TARGET}: ${seen}, and no JSON object in UTF-8`,
      fix: 'Forward /_matrix/key/v2/server to the homeserver, unchanged both ways.',
      lines: FORWARD_EVERYTHING,
    };
    return;
  }
  yield* judgeDocument(keys, serverName, now);
  const type = readHeader(outcome, 'content-type');
  if (type === undefined || !/^application\/json\s*(;|$)/i.test(type)) {
    yield {
      id: 'keys-content-type',
      evidence: type === undefined ? 'there is no Content-Type' : `the Content-Type is ${quote(type, 60)}`,
      fix: 'Let the proxy pass on the Content-Type of the homeserver (application/json): Synapse refuses keys without it.',
      lines: ['nginx: no types, default_type or proxy_hide_header Content-Type that changes it below /_matrix'],
    };
  }
}

function judgeStatus(outcome: HttpsOutcome & { readonly ok: true }, seen: string): Remark {
  const { status } = outcome;
  if (isGatewayError(status)) return describeDown(`${TARGET}: ${seen}`, status);
  if (status === 429) {
    const after = readHeader(outcome, 'retry-after');
    return {
      id: 'keys-limited',
      evidence: `${TARGET}: ${seen}${after === undefined ? '' : `, Retry-After: ${quote(after, 40)}`}`,
      fix: 'Test again later. Let no limit of the proxy be so low for /_matrix: many servers ask at the same time when you join a large room.',
      lines: ['nginx: no limit_req for /_matrix/key and /_matrix/federation, or one with burst=500 nodelay'],
    };
  }
  if (status >= 500 && readErrcode(outcome) !== undefined) {
    return {
      id: 'keys-no-answer',
      evidence: `${TARGET}: ${seen}`,
      fix: 'Look at the log of the homeserver: it has an error of its own.',
    };
  }
  if (status === 401 || status === 403) {
    return {
      id: 'keys-not-served',
      evidence: `${TARGET}: ${seen}`,
      fix: 'Let nothing before the homeserver (a login, a firewall, a CDN that looks for robots) stop requests below /_matrix.',
      lines: [
        'Cloudflare: a WAF custom rule: starts_with(http.request.uri.path, "/_matrix/"), action Skip, all of it',
        'nginx:    no auth_basic, allow or deny for /_matrix',
      ],
    };
  }
  if (status >= 300 && status < 400) {
    const to = readHeader(outcome, 'location') ?? 'nowhere';
    return {
      id: 'keys-redirected',
      evidence: `${TARGET}: ${status} to ${quote(to, 120)}`,
      fix: 'Answer /_matrix/key/v2/server without a redirect: other servers follow none. Delegation is what moves a server.',
    };
  }
  if (readErrcode(outcome) === 'M_UNRECOGNIZED') {
    return {
      id: 'keys-not-served',
      title: 'A homeserver answers, but not for its keys',
      evidence: `${TARGET}: ${seen}`,
      fix: "A homeserver answers, but not for its keys: add `federation` to its listener's resources, or let the proxy lead to a listener that has it.",
      lines: ['homeserver.yaml, below the listener: resources: [{ names: [client, federation] }]'],
    };
  }
  return {
    id: 'keys-not-served',
    evidence: `${TARGET}: ${seen}`,
    fix: 'Forward everything below /_matrix to the homeserver, or correct the DNS if that is another machine.',
    lines: FORWARD_EVERYTHING,
  };
}

/** A gateway without its server; the codes from 520 on are Cloudflare's, which has no homeserver on 127.0.0.1. */
export function describeDown(evidence: string, status: number): Remark {
  if (status < 520) {
    return {
      id: 'homeserver-down',
      evidence,
      fix: 'Start the homeserver, and check the address that the proxy has for it.',
      lines: ['on the machine of the proxy: curl -i http://127.0.0.1:8008/_matrix/key/v2/server'],
    };
  }
  return {
    id: 'homeserver-down',
    evidence: `${evidence} (Cloudflare's code for: ${CLOUDFLARE[status] ?? 'it cannot get an answer of the origin'})`,
    fix: 'Let the machine behind Cloudflare answer: it runs, its firewall lets Cloudflare in, and its certificate is one that Cloudflare takes.',
  };
}

const CLOUDFLARE: Readonly<Record<number, string>> = {
  520: 'the origin gave no valid answer',
  521: 'the origin refuses connections',
  522: 'the origin does not answer to connection attempts',
  523: 'there is no way to the origin',
  524: 'the origin took too long',
  525: 'the TLS handshake with the origin fails',
  526: "the origin's certificate is not valid",
  530: 'the name of the origin has no address',
};

/** The keys of another server: nobody mends that by renaming a homeserver, when it was the question that was wrong. */
function describeOtherServer(written: string | undefined, asked: string): Remark {
  const id = 'keys-wrong-server';
  const there = written === undefined ? undefined : parseServerName(written);
  if (there?.ok !== true) {
    return {
      id,
      evidence: `they are for ${written === undefined ? 'nobody' : quote(written)}`,
      fix: `Find out what answers for /_matrix/key/v2/server: it is not the homeserver ${asked}.`,
    };
  }
  const { text } = there.value;
  const name = parseServerName(asked);
  const isAddress = name.ok && name.value.kind !== 'dns';
  const command = `matrix-sidecar check ${text}`;
  return {
    id,
    evidence: `they are for ${quote(text)}`,
    fix: `The homeserver there is ${text}: if you meant that, run \`check ${text}\`; else correct the way (DNS, delegation, proxy), which leads to ${text} instead of ${asked}.`,
    lines: isAddress
      ? [command]
      : [
          command,
          `or, only if it is new and has no users: homeserver.yaml: server_name: ${asked}   (cannot be changed later)`,
        ],
  };
}

function* judgeDocument(keys: KeysSeen, serverName: string, now: number): Generator<Remark> {
  if (keys.serverName !== serverName) {
    yield describeOtherServer(keys.serverName, serverName);
    return;
  }
  const usable = keys.keys.filter((key) => key.wellFormed);
  if (usable.length === 0) {
    yield {
      id: 'keys-none',
      evidence: keys.keys.length === 0 ? 'verify_keys lists no ed25519 key' : `${quote(keys.keys[0]!.key)} is no key`,
      fix: 'Look at the signing key of the homeserver.',
      lines: ['homeserver.yaml: signing_key_path'],
    };
    return;
  }
  const unsigned = keys.keys.filter((key) => !key.signed);
  if (unsigned.length > 0) {
    yield {
      id: 'keys-bad-signature',
      evidence: unsigned.map((key) => `${key.id}: ${key.why}`).join('; '),
      fix: 'Let nothing on the way change the document (a cache, a filter); restart the homeserver if its key was exchanged.',
    };
    return;
  }
  const validUntil = keys.validUntil ?? 0;
  if (validUntil <= now) {
    yield {
      id: 'keys-expired',
      evidence: `valid_until_ts is ${keys.validUntil === undefined ? 'missing' : formatTime(validUntil)}`,
      fix: 'Let no cache keep the document, and check the clock of the homeserver.',
    };
  } else if (validUntil - now < HOUR) {
    yield {
      id: 'keys-expire-soon',
      evidence: `valid_until_ts is in ${formatDuration(validUntil - now)}`,
      fix: 'Let no cache keep the document, and raise key_refresh_interval: other servers ask again only when they need to.',
      lines: ['homeserver.yaml: key_refresh_interval: 1d'],
    };
  }
}
