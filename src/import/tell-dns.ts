import type { Finding } from '../base/finding.ts';
import type { Place } from './place.ts';

/** Names are proved by DNS records, for which a provider's token is needed: secrets are not copied. */
export function tellDns(place: Place, provider: string): Finding {
  return {
    id: 'import-dns-challenge',
    severity: 'warning',
    place,
    what: `Names are proved over DNS here (${provider}), which the YAML does not do.`,
    fix: 'Where ports 80 and 443 are reachable from the internet, nothing is to be done. Else write one of the providers that the sidecar has, with the token in a file:',
    lines: [
      'acme:',
      '  challenges: [dns-01]',
      '  dns: { provider: cloudflare, api_token_file: certs/cloudflare.token }',
    ],
  };
}
