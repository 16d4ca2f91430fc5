import type { AcmeAuthority, AcmeConfig, DnsProviderConfig } from './config.ts';
import type { SoundConfig } from './table.ts';

/** Makes a path absolute. */
export type Absolute = (path: string) => string;

type SoundAcme = SoundConfig['acme'];

/** Makes the part for ACME of values in which nothing was found wrong. */
export function buildAcme(acme: SoundAcme, absolute: Absolute): AcmeConfig {
  return {
    ...buildAuthority(acme, absolute),
    email: acme.email,
    agreeToTerms: acme.agree_to_terms,
    challenges: acme.challenges,
    dns: acme.dns === undefined ? undefined : buildDnsProvider(acme.dns, absolute),
    resolvers: acme.resolvers,
    profile: acme.profile,
    key: acme.key,
    preferredChain: acme.preferred_chain,
    fallback: acme.fallback === undefined ? undefined : buildAuthority(acme.fallback, absolute),
  };
}

function buildAuthority(
  written: Pick<SoundAcme, 'directory' | 'external_account' | 'ca_file'>,
  absolute: Absolute,
): AcmeAuthority {
  const account = written.external_account;
  return {
    directory: written.directory,
    externalAccount: account === undefined ? undefined : { keyId: account.key_id, hmacKey: account.hmac_key },
    caFile: written.ca_file === undefined ? undefined : absolute(written.ca_file),
  };
}

function buildDnsProvider(dns: NonNullable<SoundAcme['dns']>, absolute: Absolute): DnsProviderConfig {
  const propagationTimeout = dns.propagation_timeout;
  switch (dns.provider) {
    case 'rfc2136': {
      const { provider, server, key_name, key_secret, algorithm, zone } = dns;
      return { provider, server, keyName: key_name, keySecret: key_secret, algorithm, zone, propagationTimeout };
    }
    case 'cloudflare':
      return { provider: dns.provider, apiToken: dns.api_token, propagationTimeout };
    case 'acme-dns':
      return {
        provider: dns.provider,
        server: dns.server,
        accountFile: absolute(dns.account_file),
        propagationTimeout,
      };
    case 'exec':
      return { provider: dns.provider, program: dns.program, mode: dns.mode, timeout: dns.timeout, propagationTimeout };
    case 'httpreq': {
      const { provider, url, mode, username, password } = dns;
      // The rules have refused one without the other.
      const login = username === undefined || password === undefined ? undefined : { username, password };
      return { provider, url, mode, login, propagationTimeout };
    }
  }
}
