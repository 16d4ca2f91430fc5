import type { HttpsOutcome } from '../base/https-exchange.ts';
import { formatDuration, formatTime, quote } from './quote.ts';
import { describeOutcome, readHeader } from './read-answer.ts';
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
      fix: 'Find out what answers there: key documents have a few hundred bytes.',
    };
    return;
  }
  const keys = readKeys(outcome, serverName);
  if (keys === undefined) {
    yield {
      id: 'keys-not-json',
      evidence: `${TARGET}: ${seen}, and no JSON object in UTF-8`,
      fix: 'Forward that path to the homeserver, unchanged both ways.',
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
      fix: 'Let the proxy pass on the Content-Type of the homeserver (application/json): some servers insist on it.',
    };
  }
}

function judgeStatus(outcome: HttpsOutcome & { readonly ok: true }, seen: string): Remark {
  const { status } = outcome;
  if (status >= 502 && status <= 504) {
    return {
      id: 'homeserver-down',
      evidence: `${TARGET}: ${seen}`,
      fix: 'Start the homeserver, and check the address that the proxy has for it.',
      lines: ['on the machine of the proxy: curl -i http://127.0.0.1:8008/_matrix/key/v2/server'],
    };
  }
  if (status >= 300 && status < 400) {
    const to = readHeader(outcome, 'location') ?? 'nowhere';
    return {
      id: 'keys-redirected',
      evidence: `${TARGET}: ${status} to ${quote(to, 120)}`,
      fix: 'Answer on that port itself: federation requests follow no redirects. Delegation is what moves a server.',
    };
  }
  return {
    id: 'keys-not-served',
    evidence: `${TARGET}: ${seen}`,
    fix: 'Forward everything below /_matrix to the homeserver, or correct the DNS if that is another machine.',
    lines: FORWARD_EVERYTHING,
  };
}

function* judgeDocument(keys: KeysSeen, serverName: string, now: number): Generator<Remark> {
  if (keys.serverName !== serverName) {
    yield {
      id: 'keys-wrong-server',
      evidence: `they are for ${keys.serverName === undefined ? 'nobody' : quote(keys.serverName)}`,
      fix: `If that is your homeserver, its server_name is not ${serverName} (and cannot be changed later); else the way leads to another one.`,
      lines: [`homeserver.yaml: server_name: ${serverName}`],
    };
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
