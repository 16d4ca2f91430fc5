import { type ApiAnswer, answeredWith, type CallApi, readObject } from './call-api.ts';
import { type DnsProvider, providerFailed } from './dns-provider.ts';

export interface CloudflareSlice {
  /** With the permissions Zone / Zone / Read (to look for the zone) and Zone / DNS / Edit (to list and write records). */
  readonly token: string;
  /** Cloudflare's, but in tests. */
  readonly baseUrl?: string;
}

const TITLE = 'Cloudflare';
const BASE_URL = 'https://api.cloudflare.com/client/v4';
/** Seconds; the least that Cloudflare takes. */
const TTL = 60;
/** "An identical record already exists", and the same of earlier years. */
const EXISTS = new Set([81057, 81058]);
const HINT =
  'Give the sidecar an API token with the permissions Zone / Zone / Read and Zone / DNS / Edit for this zone; the template "Edit zone DNS" has only the second.';

interface Result {
  readonly id: string;
  readonly name: string;
  readonly content: string;
}

/** Zones at Cloudflare, by its API with a token. */
export function createCloudflareProvider(slice: CloudflareSlice, deps: { readonly call: CallApi }): DnsProvider {
  const baseUrl = (slice.baseUrl ?? BASE_URL).replace(/\/+$/, '');
  const headers = { authorization: `Bearer ${slice.token}` };

  function ask(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    more: { body?: unknown; signal?: AbortSignal | undefined } = {},
  ): Promise<ApiAnswer> {
    const { body, signal } = more;
    const optional = { ...(body === undefined ? {} : { body }), ...(signal === undefined ? {} : { signal }) };
    return deps.call({ method, url: `${baseUrl}${path}`, headers, ...optional });
  }

  async function list(path: string, signal?: AbortSignal): Promise<readonly Result[]> {
    const answer = await ask('GET', path, { signal });
    const results = readObject(answer.text)?.['result'];
    if (answer.status !== 200 || !Array.isArray(results)) throw refused(answer);
    return (results as readonly Partial<Result>[]).map(({ id, name, content }) => ({
      id: String(id),
      name: String(name),
      content: String(content),
    }));
  }

  /** The zone with the longest name that ends `name`: `a.b.example.com` is looked for in each of its parents. */
  async function findZone(name: string, signal?: AbortSignal): Promise<string> {
    for (let zone = name; zone.includes('.'); zone = zone.slice(zone.indexOf('.') + 1)) {
      const [found] = await list(`/zones?name=${encodeURIComponent(zone)}`, signal);
      if (found !== undefined && found.name === zone) return encodeURIComponent(found.id);
    }
    throw providerFailed(TITLE, `the token sees no zone that ${name} is in`, { blame: 'operator', hint: HINT });
  }

  return {
    title: TITLE,
    async set({ name, value }, signal) {
      const zone = await findZone(name, signal);
      // Quoted as in a zone file: what Cloudflare would make of it anyway, with a warning on its pages.
      const body = { type: 'TXT', name, content: `"${value}"`, ttl: TTL };
      const answer = await ask('POST', `/zones/${zone}/dns_records`, { body, signal });
      if (answer.status !== 200 && !errorsOf(answer).some(({ code }) => EXISTS.has(code))) throw refused(answer);
    },
    async unset({ name, value }) {
      const zone = await findZone(name);
      const records = await list(`/zones/${zone}/dns_records?type=TXT&per_page=100&name=${encodeURIComponent(name)}`);
      for (const { id, content } of records) {
        if (content.replace(/^"(.*)"$/, '$1') !== value) continue;
        const answer = await ask('DELETE', `/zones/${zone}/dns_records/${encodeURIComponent(id)}`);
        // Another process may have been faster.
        if (answer.status !== 200 && answer.status !== 404) throw refused(answer);
      }
    },
  };
}

function errorsOf({ text }: ApiAnswer): readonly { readonly code: number; readonly message: string }[] {
  const errors = readObject(text)?.['errors'];
  if (!Array.isArray(errors)) return [];
  return (errors as readonly { code?: unknown; message?: unknown }[]).map((error) => ({
    code: Number(error?.code),
    message: String(error?.message),
  }));
}

function refused(answer: ApiAnswer): Error {
  const words = errorsOf(answer).map(({ code, message }) => `${message} (${code})`);
  return answeredWith(TITLE, answer, words.length === 0 ? answer.text : words.join('; '), HINT);
}
