import type { Finding } from '../base/finding.ts';
import type { FoundServer } from './find-servers.ts';
import type { Hosts } from './hosts.ts';
import {
  ADMIN_PATH,
  CLIENT_PATH,
  FEDERATION_PATH,
  INTERNAL_PATH,
  KEY_PATH,
  ROOT_PATH,
  SYNC_PATH,
  UPLOAD_PATH,
} from './matrix-paths.ts';
import type { Place } from './place.ts';
import type { Outcome, Way } from './site.ts';

type Proxied = Extract<Outcome, { do: 'proxy' }>;

const PATHS = [CLIENT_PATH, SYNC_PATH, FEDERATION_PATH, KEY_PATH, UPLOAD_PATH];
/** Of a body that is no upload: 200 events of 65,536 bytes (Synapse api/constants.py, MAX_PDU_SIZE). */
const TRANSACTION = 200 * 65_536;
/** Synapse's default for max_upload_size. */
const UPLOAD = 50 * 1024 * 1024;
/** Seconds. Clients ask /sync to take 30 of them; joining a large room takes minutes. */
const [SYNC_TIMEOUT, ENOUGH] = [35, 180];

/** What goes wrong with Matrix requests on their way to the homeserver. */
export function lintPassing(hosts: Hosts, servers: readonly FoundServer[]): readonly Finding[] {
  const findings: Finding[] = [];
  const homes = new Set(servers.map(({ homeserver }) => homeserver?.target.text));
  for (const host of hostsOf(servers)) {
    for (const port of new Set([...hosts.ports(host, true), ...hosts.ports(host, false)])) {
      const root = hosts.ask(host, port, ROOT_PATH);
      // What a website gets because it gets everything is none of Matrix's.
      const ask = (path: string): Proxied | undefined => {
        const outcome = hosts.ask(host, port, path);
        if (outcome?.do !== 'proxy') return undefined;
        const { text } = outcome.target;
        return homes.has(text) || root?.do !== 'proxy' || root.target.text !== text ? outcome : undefined;
      };
      for (const path of PATHS) {
        const outcome = ask(path);
        if (outcome !== undefined) findings.push(...lintWay(outcome, path));
      }
      findings.push(...lintClosed(ask));
    }
  }
  return findings;
}

export function hostsOf(servers: readonly FoundServer[]): ReadonlySet<string> {
  return new Set(
    servers.flatMap((one) => [
      one.delegateTo?.host ?? one.name,
      one.clientHost,
      ...(one.apexHere ? [one.name] : []),
      ...one.aliases,
    ]),
  );
}

function lintWay({ way, place }: Proxied, path: string): readonly Finding[] {
  return [
    ...lintPath(way, place, path),
    ...lintBody(way, place, path),
    ...lintHeaders(way, place),
    ...lintAnswers(way, place, path),
  ];
}

function lintPath({ rewritten }: Way, place: Place, path: string): readonly Finding[] {
  if (rewritten === undefined) return [];
  const fix = 'The sidecar passes every path byte for byte; nothing is to be done.';
  if (rewritten === path) {
    const what = `A path in proxy_pass (often only a slash at its end), or a rewrite, makes the path be decoded and normalised before it is sent on: signatures of requests with %2F, %21 or // in their path are then wrong, and rooms cannot be joined.`;
    return [{ id: 'import-path-rewritten', severity: 'error', place, what, fix }];
  }
  const what = `The path of requests is changed on the way: the homeserver gets ${rewritten} for ${path}, which is another endpoint, or none.`;
  return [{ id: 'import-path-changed', severity: 'error', place, what, fix }];
}

function lintBody({ bodyLimit }: Way, place: Place, path: string): readonly Finding[] {
  if (bodyLimit === undefined) return [];
  const at = bodyLimit.place ?? place;
  const size = describeSize(bodyLimit.bytes);
  const said = bodyLimit.place === undefined ? `${size} by default, since client_max_body_size is not set` : size;
  if (path === FEDERATION_PATH && bodyLimit.bytes < TRANSACTION) {
    const what = `Bodies are limited to ${said}: transactions of other servers can have 12.5 MiB, and one that is refused is repeated for ever with nothing after it.`;
    const fix = 'The sidecar takes what Synapse takes (limits.body: 12.5MiB); nothing is to be done.';
    return [{ id: 'import-body-limit', severity: 'error', place: at, what, fix }];
  }
  if (path === UPLOAD_PATH && bodyLimit.bytes < UPLOAD) {
    const what = `Uploads are limited to ${said}, and Synapse takes 50M unless it is told otherwise.`;
    const fix = 'The sidecar leaves that to max_upload_size in homeserver.yaml: look whether it says what you want.';
    return [{ id: 'import-upload-limit', severity: 'warning', place: at, what, fix }];
  }
  return [];
}

function describeSize(bytes: number): string {
  const [unit, size] = bytes >= 1024 ** 2 ? ['MiB', bytes / 1024 ** 2] : ['KiB', bytes / 1024];
  return `${Number(size.toFixed(1))} ${unit}`;
}

function lintHeaders({ forwardedFor, forwardedProto, host }: Way, place: Place): readonly Finding[] {
  const findings: Finding[] = [];
  if (forwardedFor.how === 'appended') {
    findings.push({
      id: 'import-forwarded-for-appended',
      severity: 'error',
      place: forwardedFor.place,
      what: 'The address of the client is appended to the X-Forwarded-For that the client sent itself, and Synapse believes the first one: anybody can choose the address by which rate limits and bans know them.',
      fix: 'The sidecar replaces the header with the address of the connection; nothing is to be done.',
    });
  } else if (forwardedFor.how === 'missing') {
    findings.push({
      id: 'import-forwarded-for-missing',
      severity: 'warning',
      place: forwardedFor.place,
      what: 'X-Forwarded-For is not set here, so that all clients have the address of the proxy: rate limits hold for all of them together.',
      fix: 'The sidecar sets it; Synapse needs x_forwarded: true on that listener.',
    });
  }
  if (!forwardedProto) {
    findings.push({
      id: 'import-forwarded-proto-missing',
      severity: 'info',
      place,
      what: 'X-Forwarded-Proto is not set here, and Synapse warns that it has to guess.',
      fix: 'The sidecar sets it; nothing is to be done.',
    });
  }
  if (!host) {
    findings.push({
      id: 'import-host-missing',
      severity: 'warning',
      place,
      what: 'The Host header is not passed on here: single sign-on redirects people to the name of the upstream.',
      fix: 'The sidecar passes it on as it came; nothing is to be done.',
    });
  }
  return findings;
}

function lintAnswers(way: Way, place: Place, path: string): readonly Finding[] {
  const findings: Finding[] = [];
  const { readTimeout, addsCors, replacesErrors, buffered } = way;
  if (readTimeout !== undefined && path === SYNC_PATH && readTimeout.seconds < ENOUGH) {
    const short = readTimeout.seconds < SYNC_TIMEOUT;
    const said = `${readTimeout.seconds} s${readTimeout.place === undefined ? ' by default' : ''}`;
    findings.push({
      id: 'import-read-timeout',
      severity: short ? 'error' : 'info',
      place: readTimeout.place ?? place,
      what: short
        ? `Answers have to begin within ${said}, and clients ask /sync to wait for 30 s: they see errors whenever nothing happens.`
        : `Answers have to begin within ${said}: a first sync of a large account, and joining a large room, take longer.`,
      fix: 'The sidecar knows how long each request may take (15 minutes for /sync); nothing is to be done.',
    });
  }
  if (addsCors !== undefined) {
    findings.push({
      id: 'import-cors-twice',
      severity: 'error',
      place: addsCors,
      what: 'Access-Control-Allow-Origin is added to answers of the homeserver, which has it already: browsers refuse an answer that has it twice.',
      fix: "The sidecar leaves the homeserver's answers alone; nothing is to be done.",
    });
  }
  if (replacesErrors !== undefined) {
    findings.push({
      id: 'import-errors-replaced',
      severity: 'warning',
      place: replacesErrors,
      what: "Error answers are replaced by pages of the proxy's own: clients and other servers need the JSON in them.",
      fix: "The sidecar passes the homeserver's errors on; nothing is to be done.",
    });
  }
  if (buffered && path === UPLOAD_PATH) {
    findings.push({
      id: 'import-buffering',
      severity: 'info',
      place,
      what: 'Answers are buffered (proxy_buffering is on): media go over the disk of the proxy before they go out.',
      fix: 'The sidecar streams both ways; nothing is to be done.',
    });
  }
  return findings;
}

/** What must not be open to everybody. */
function lintClosed(ask: (path: string) => Proxied | undefined): readonly Finding[] {
  const admin = ask(ADMIN_PATH);
  const internal = ask(INTERNAL_PATH);
  const findings: Finding[] = [];
  if (admin !== undefined && admin.way.allowed === undefined) {
    findings.push({
      id: 'import-admin-exposed',
      severity: 'error',
      place: admin.place,
      what: '/_synapse/admin is open to everybody: a stolen token of an admin is then all that it takes.',
      fix: 'The sidecar keeps it closed; write the networks that need it:',
      lines: ['routes:', '  admin_api_from: [192.0.2.0/24]'],
    });
  }
  if (internal !== undefined && internal.way.allowed === undefined && admin?.place.line !== internal.place.line) {
    findings.push({
      id: 'import-internal-exposed',
      severity: 'warning',
      place: internal.place,
      what: '/_synapse/metrics, and whatever else Synapse has below /_synapse, is open to everybody.',
      fix: 'The sidecar never passes these on: let Prometheus ask Synapse itself.',
    });
  }
  return findings;
}
