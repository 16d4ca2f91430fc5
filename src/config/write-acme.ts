import type { AcmeAuthority, AcmeConfig, DnsProviderConfig } from './config.ts';
import { HIDDEN } from './hidden.ts';
import { writeDuration } from './write-quantity.ts';

/** The section `acme` as it is written in YAML, without its secrets. */
export function writeAcme(acme: AcmeConfig): object {
  return {
    ...writeAuthority(acme),
    email: acme.email,
    agree_to_terms: acme.agreeToTerms,
    challenges: acme.challenges,
    dns: acme.dns === undefined ? undefined : writeDnsProvider(acme.dns),
    resolvers: acme.resolvers.map(({ text }) => text),
    profile: acme.profile,
    key: acme.key,
    preferred_chain: acme.preferredChain,
    fallback: acme.fallback === undefined ? undefined : writeAuthority(acme.fallback),
  };
}

function writeAuthority({ directory, externalAccount, caFile }: AcmeAuthority): object {
  const account = externalAccount === undefined ? undefined : { key_id: externalAccount.keyId, hmac_key: HIDDEN };
  return { directory, external_account: account, ca_file: caFile };
}

function writeDnsProvider(dns: DnsProviderConfig): object {
  return { ...writeProvider(dns), propagation_timeout: writeDuration(dns.propagationTimeout) };
}

function writeProvider(dns: DnsProviderConfig): object {
  switch (dns.provider) {
    case 'rfc2136': {
      const { provider, server, keyName, algorithm, zone } = dns;
      return { provider, server: server.text, key_name: keyName, key_secret: HIDDEN, algorithm, zone };
    }
    case 'cloudflare':
      return { provider: dns.provider, api_token: HIDDEN };
    case 'acme-dns':
      return { provider: dns.provider, server: dns.server, account_file: dns.accountFile };
    case 'exec':
      return { provider: dns.provider, program: dns.program, mode: dns.mode, timeout: writeDuration(dns.timeout) };
    case 'httpreq': {
      const { provider, url, mode, login } = dns;
      return { provider, url, mode, username: login?.username, password: login === undefined ? undefined : HIDDEN };
    }
  }
}
