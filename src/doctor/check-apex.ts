import { isDeepStrictEqual } from 'node:util';
import type { Finding } from '../base/finding.ts';
import type { HttpsOutcome } from '../base/https-exchange.ts';
import { quoteStranger } from '../base/quote-stranger.ts';
import { type HttpsPlace, isRedirect, readRedirect } from '../discovery/redirect.ts';
import { isJsonObject, type JsonObject } from '../matrix/json.ts';
import type { DeployedServer } from './deployment.ts';
import { describeAnswer, readHeader } from './describe-answer.ts';
import type { DoctorDeps } from './doctor-deps.ts';
import type { Row } from './row.ts';
import type { FindWhereabouts } from './whereabouts.ts';

const DEADLINE = { connect: 5_000, handshake: 5_000, total: 10_000 };
const MOST_ANSWER = 64 * 1024;
const MOST_REDIRECTS = 5;
/** Those that somebody comes for; others are the operator's own. */
const DOCUMENTS = ['server', 'client'] as const;

/** Whether the web server of the apex publishes what the sidecar would. */
export function checkApex(server: DeployedServer, find: FindWhereabouts, deps: DoctorDeps): Row {
  const { name, documents } = server;
  return {
    id: `apex:${name.text}`,
    title: `https://${name.host} publishes what the sidecar would`,
    needs: [],
    hint: 'Run: matrix-sidecar advise',
    run: async (signal) => {
      const seen: string[] = [];
      const findings: Finding[] = [];
      for (const document of DOCUMENTS) {
        const ours = documents[document];
        if (ours === undefined) continue;
        const fetched = await fetchDocument(documentPlace(name.host, document), find, deps, signal);
        seen.push(`${document}: ${fetched.words}`);
        findings.push(...judge(document, fetched, ours, server));
      }
      return { seen: seen.join('; '), findings };
    },
  };
}

interface Fetched {
  readonly words: string;
  /** Undefined when nothing was answered, or the way there ended. */
  readonly answer: (HttpsOutcome & { readonly ok: true }) | undefined;
}

function documentPlace(host: string, document: string): HttpsPlace {
  const target = `/.well-known/matrix/${document}`;
  return { url: `https://${host}${target}`, host, port: 443, authority: host, target };
}

async function fetchDocument(
  start: HttpsPlace,
  find: FindWhereabouts,
  { https }: DoctorDeps,
  signal: AbortSignal,
): Promise<Fetched> {
  const fail = (words: string): Fetched => ({ words, answer: undefined });
  let place = start;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    const { host, authority, target } = place;
    const { addresses, port, error } = await find(host, place.port, signal);
    const [address] = addresses;
    if (address === undefined) return fail(error ?? `${quoteStranger(host)} has no address`);
    const request = {
      ...{ address, port, certificateName: host, host: authority, target },
      ...{ method: 'GET', maxBody: MOST_ANSWER, deadline: DEADLINE },
    };
    const outcome = await https.request(request, { verify: true, signal });
    if (!outcome.ok) return fail(outcome.words);
    if (!isRedirect(outcome.status)) return { words: describeAnswer(outcome), answer: outcome };
    const next = readRedirect(place, outcome.headers);
    if (!next.ok) return fail(next.why);
    place = next.value;
  }
  return fail(`it redirects more than ${MOST_REDIRECTS} times`);
}

function judge(
  document: 'server' | 'client',
  { words, answer }: Fetched,
  ours: JsonObject,
  { name }: DeployedServer,
): Finding[] {
  const url = `https://${name.host}/.well-known/matrix/${document}`;
  const lines = [JSON.stringify(ours)];
  // Without the server document nobody is found; without the client's, people have to type the address.
  const severity = document === 'server' ? 'error' : 'warning';
  const publish = `Publish this document at ${url}, as application/json; "matrix-sidecar advise" has the lines for the web server.`;
  if (answer === undefined || answer.status !== 200) {
    const what = `${url} cannot be had: ${words}.`;
    return [{ id: 'apex-copy-missing', severity, what, fix: publish, lines }];
  }
  const theirs = parse(answer.body);
  if (theirs === undefined) {
    const what = `${url} is no JSON object.`;
    return [{ id: 'apex-copy-missing', severity, what, fix: publish, lines }];
  }
  const found: Finding[] = [];
  if (!isDeepStrictEqual(theirs, ours)) {
    const differing = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].filter(
      (key) => !isDeepStrictEqual(ours[key], theirs[key]),
    );
    const what = `${url} differs from what the sidecar would publish, in ${quoteStranger(differing.join(', '))}.`;
    const fix = `Publish at ${url} what the sidecar would publish, from its own configuration; or change that.`;
    found.push({ id: 'apex-copy-differs', severity, what, fix, lines });
  }
  if (document === 'client' && readHeader(answer, 'access-control-allow-origin') !== '*') {
    const what = `${url} lacks the header that lets browsers read it, so web clients do not find the homeserver.`;
    const fix = `Add the CORS header to ${url}, and to redirects that lead there.`;
    found.push({ id: 'apex-copy-no-cors', severity: 'warning', what, fix, lines: ['Access-Control-Allow-Origin: *'] });
  }
  return found;
}

function parse(body: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
