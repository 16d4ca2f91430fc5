import { deriveWellKnown, renderWellKnown } from '../matrix/well-known.ts';
import type { PublishedDocument } from './advice.ts';
import type { AdvisedServer } from './advised-server.ts';

/** The documents of a server name as the sidecar serves them, and who has to answer for each. Pure. */
export function listDocuments(server: AdvisedServer, httpsPorts: readonly number[]): readonly PublishedDocument[] {
  const { serverName, delegateTo, delegateBy, rtc, wellKnown, apex } = server;
  const documents = deriveWellKnown({ serverName, delegateTo, delegateBy, httpsPorts, rtc, additions: wellKnown });
  return Object.entries(documents).map(([name, document]) => {
    const { body, headers } = renderWellKnown(document);
    return {
      name,
      url: `https://${bracket(serverName.host)}/.well-known/matrix/${name}`,
      body: body.toString('utf8'),
      headers: pairUp(headers),
      by: apex === 'here' ? 'sidecar' : 'website',
    };
  });
}

/** `m.server` of the server document, where it is published. */
export function readDelegation(documents: readonly PublishedDocument[]): string | undefined {
  return readMember(documents, 'server', ['m.server']);
}

/** Where clients are sent, without a slash at the end. */
export function readBaseUrl(documents: readonly PublishedDocument[]): string | undefined {
  return readMember(documents, 'client', ['m.homeserver', 'base_url'])?.replace(/\/+$/, '');
}

/** Where clients find the first of the services for calls. */
export function readCallsUrl(documents: readonly PublishedDocument[]): string | undefined {
  return readMember(documents, 'client', ['org.matrix.msc4143.rtc_foci', '0', 'livekit_service_url']);
}

/** An administrator may have merged anything over what was derived. */
function readMember(
  documents: readonly PublishedDocument[],
  name: string,
  path: readonly string[],
): string | undefined {
  const document = documents.find((one) => one.name === name);
  let value: unknown = document === undefined ? undefined : JSON.parse(document.body);
  for (const key of path) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return typeof value === 'string' ? value : undefined;
}

/** An IPv6 address as URLs have it. */
export function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function pairUp(flat: readonly string[]): Readonly<Record<string, string>> {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) pairs.push([flat[index]!, flat[index + 1]!]);
  return Object.fromEntries(pairs);
}
