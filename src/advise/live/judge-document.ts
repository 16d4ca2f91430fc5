import { isDeepStrictEqual } from 'node:util';
import { quoteStranger } from '../../base/quote-stranger.ts';
import { isJsonObject } from '../../matrix/json.ts';
import type { PublishedDocument } from '../advice.ts';
import type { Answer, DocumentHop, FetchedDocument } from './fetch-document.ts';
import type { Missing } from './missing.ts';

/** What is not right with a well-known document as it is published, compared with the sidecar's own. Pure. */
export function judgeDocument(document: PublishedDocument, { hops, failed }: FetchedDocument): Missing[] {
  const { url, body, name } = document;
  const publish = `Publish there, byte for byte: ${body}`;
  const block = (what: string, fix = publish): Missing => ({ what, fix, blocking: true });
  const permanent = hops.find(({ answer }) => answer.status === 308);
  const redirect308 = block(
    `${permanent?.url} redirects with status 308, which Synapse does not follow.`,
    'Redirect with 302, or better answer with 200.',
  );
  if (failed !== undefined) {
    const reached = hops.length === 0 ? 'cannot be had' : 'is redirected, and then cannot be had';
    return [...(permanent === undefined ? [] : [redirect308]), block(`${url} ${reached}: ${failed}.`)];
  }
  const { answer } = hops.at(-1)!;
  const missing: Missing[] = permanent === undefined ? [] : [redirect308];
  if (answer.status !== 200) return [...missing, block(`${url} answers with the status ${answer.status}.`)];
  const published = readJson(answer);
  if (published === undefined) return [...missing, block(`${url} is no JSON object${guess(answer)}.`)];
  if (!isDeepStrictEqual(published, JSON.parse(body)))
    missing.push(block(`${url} has another content: ${quoteStranger(answer.body.toString('utf8'), 200)}`));
  return [...missing, ...judgeHeaders(name, url, hops)];
}

/** Other servers must not look at either header; browsers do. */
function judgeHeaders(name: string, url: string, hops: readonly DocumentHop[]): Missing[] {
  const missing: Missing[] = [];
  const type = headerOf(hops.at(-1)!, 'content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    missing.push({
      what: `${url} comes as ${type === undefined ? 'nothing in particular' : quoteStranger(type)}, and not as application/json.`,
      fix: 'Set Content-Type: application/json; most readers do not mind.',
      blocking: false,
    });
  const closed = hops.find((hop) => headerOf(hop, 'access-control-allow-origin') !== '*');
  if (closed !== undefined)
    missing.push({
      what: `${closed.url} has no Access-Control-Allow-Origin: *, so clients in a browser cannot read it.`,
      fix: 'Set that header, on redirects as well.',
      // No browser reads the server document.
      blocking: name === 'client',
    });
  return missing;
}

function readJson({ body, cut }: Answer): object | undefined {
  if (cut) return undefined;
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function guess({ body, cut }: Answer): string {
  if (cut) return ': it is far too long';
  return body.toString('latin1').trimStart().startsWith('<') ? ' but a web page' : '';
}

function headerOf({ answer }: DocumentHop, name: string): string | undefined {
  return answer.headers.find(([given]) => given.toLowerCase() === name)?.[1].trim();
}
