import { isJsonObject, type JsonObject, ownMember } from '../matrix/json.ts';
import { parseServerName } from '../matrix/server-name.ts';
import { deriveWellKnown, mergeJson } from '../matrix/well-known.ts';
import type { FoundServer } from './find-servers.ts';
import type { Hosts } from './hosts.ts';
import type { Place } from './place.ts';
import { type FoundDocument, readDocument } from './read-document.ts';

/** What has to stand under `well_known` so that the same is published as before. */
export interface PlannedDocuments {
  readonly additions: Readonly<Record<string, JsonObject>>;
  readonly from: readonly Place[];
  /** Documents with a null in them, which a merge cannot write. */
  readonly inexact: readonly FoundDocument[];
}

/** Compares each document that is published now with what the sidecar would publish by itself. */
export function planDocuments(hosts: Hosts, server: FoundServer, httpsPorts: readonly number[]): PlannedDocuments {
  const serverName = parseServerName(server.name);
  if (!serverName.ok) return { additions: {}, from: [], inexact: [] };
  const input = { serverName: serverName.value, delegateTo: server.delegateTo, delegateBy: 'well-known' as const };
  const derived = deriveWellKnown({ ...input, httpsPorts, additions: {} });
  const additions: [string, JsonObject][] = [];
  const from: Place[] = [];
  const inexact: FoundDocument[] = [];
  for (const name of listNames(hosts, server)) {
    const document = findDocument(hosts, server, name);
    if (document?.outcome.kind !== 'document') continue;
    const { json } = document.outcome;
    const before = Object.hasOwn(derived, name) ? derived[name]! : {};
    const patch = diffJson(before, json);
    if (!sameJson(mergeJson(before, patch), json)) inexact.push(document);
    if (Object.keys(patch).length === 0) continue;
    additions.push([name, patch]);
    from.push(document.last.place);
  }
  return { additions: Object.fromEntries(additions), from, inexact };
}

/** Of the server name's host, else of the one by which clients come. */
function findDocument(hosts: Hosts, server: FoundServer, name: string): FoundDocument | undefined {
  const candidates = [server.name, server.delegateTo?.host ?? server.name].map((host) =>
    readDocument(hosts, host, name),
  );
  return candidates.find((one) => one?.outcome.kind === 'document');
}

function listNames(hosts: Hosts, { name, delegateTo }: FoundServer): ReadonlySet<string> {
  const own = [name, delegateTo?.host ?? name].flatMap((host) => {
    const port = hosts.mainPort(host);
    return port === undefined ? [] : (hosts.choose(host, port)?.documents ?? []);
  });
  return new Set(['server', 'client', 'support', ...own]);
}

/** The JSON Merge Patch (RFC 7396) that makes `after` out of `before`. */
function diffJson(before: JsonObject, after: JsonObject): JsonObject {
  const patch: [string, unknown][] = [];
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch.push([key, null]);
  for (const [key, value] of Object.entries(after)) {
    const old = ownMember(before, key);
    if (sameJson(old, value)) continue;
    patch.push([key, isJsonObject(old) && isJsonObject(value) ? diffJson(old, value) : value]);
  }
  return Object.fromEntries(patch);
}

/** Equal as JSON: the order of members does not count. */
function sameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one, index) => sameJson(one, b[index]));
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}
