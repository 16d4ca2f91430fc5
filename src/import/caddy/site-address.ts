import { parsePort } from '../../base/address.ts';

/** One address of a site in a Caddyfile. */
export interface SiteAddress {
  /** Lower case; '' for every host. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** Reads `example.com`, `https://example.com:8448`, `:8448`, `http://`; undefined for what is none. */
export function readSiteAddress(text: string): SiteAddress | undefined {
  const [, scheme, host = '', written] = /^(?:(https?):\/\/)?(\[[^\]]*\]|[^:/]*)(?::(\d+))?(?:\/.*)?$/.exec(text) ?? [];
  const port = written === undefined ? undefined : parsePort(written);
  if (port === 0 || (written !== undefined && port === undefined)) return undefined;
  if (scheme === undefined && host === '' && port === undefined) return undefined;
  const plain = scheme === 'http' || port === 80;
  // Caddy has a certificate for a host that it knows; for a port alone it speaks plain HTTP unless told otherwise.
  return {
    host: host.toLowerCase(),
    port: port ?? (plain ? 80 : 443),
    tls: !plain && (host !== '' || port === 443 || port === 8448 || scheme === 'https'),
  };
}
