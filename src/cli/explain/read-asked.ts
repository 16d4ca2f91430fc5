import { isIP } from 'node:net';
import type { AskedRequest } from '../../app/explanation.ts';
import { bad, good, type Parsed } from '../../base/parsed.ts';
import type { Config } from '../../config/config.ts';

export interface WrittenRequest {
  readonly method: string;
  readonly url: string;
  readonly user?: string | undefined;
  readonly origin?: string | undefined;
  readonly from: string;
}

/** A URL taken apart and not read: what stands in the request line must stay as it is written. */
const URL_PARTS = /^(https?):\/\/([^/?#\s]+)((?:[/?][^#\s]*)?)$/i;
const METHOD = /^[A-Z]{1,20}$/;

/** Reads what `explain` is asked about. Pure. */
export function readAsked(written: WrittenRequest, config: Config): Parsed<AskedRequest> {
  const method = written.method.toUpperCase();
  if (!METHOD.test(method)) return bad(`${JSON.stringify(written.method)} is no method; write GET, PUT, POST …`);
  const parts = URL_PARTS.exec(written.url);
  if (parts === null)
    return bad(`${JSON.stringify(written.url)} is no URL; write https://example.com/_matrix/client/v3/sync`);
  const [, scheme = '', authority = '', rest = ''] = parts;
  if (isIP(written.from) === 0) return bad(`${JSON.stringify(written.from)} is no address; write 203.0.113.1`);
  if (written.user !== undefined && written.origin !== undefined)
    return bad('a request is from a user or from a server; leave out --user or --origin');
  const host = authority.replace(/:\d*$/, '').toLowerCase();
  return good({
    listener: findListener(scheme.toLowerCase(), authority, config),
    method,
    target: rest.startsWith('/') ? rest : `/${rest}`,
    authority,
    serverName: isIP(host.replace(/^\[|\]$/g, '')) === 0 ? host : undefined,
    clientAddress: written.from,
    headers: writeAuthorization(written),
  });
}

function findListener(scheme: string, authority: string, { listen }: Config): AskedRequest['listener'] {
  if (scheme === 'http') return 'http';
  const port = Number(/:(\d+)$/.exec(authority)?.[1] ?? 443);
  const has = (listener: 'https' | 'federation'): boolean => listen[listener].some((one) => one.port === port);
  return has('federation') && !has('https') ? 'federation' : 'https';
}

/** As such a request would have it: a token of the form that Synapse gives out, or the signature of a server. */
function writeAuthorization({ user, origin }: WrittenRequest): readonly string[] {
  if (origin !== undefined) return ['Authorization', `X-Matrix origin="${origin}"`];
  if (user === undefined) return [];
  const localpart = user.replace(/^@/, '').replace(/:.*$/, '');
  const encoded = Buffer.from(localpart).toString('base64').replaceAll('=', '');
  return ['Authorization', `Bearer syt_${encoded}_${'x'.repeat(20)}_000000`];
}
