import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { describeError, SidecarError } from '../base/errors.ts';
import type { Certificate } from './certificate.ts';
import { wildcardFor } from './covers-name.ts';
import { canonicalAddress } from './subject-alt-name.ts';
import { tlsOptions } from './tls-options.ts';

export interface CertificateChoice {
  readonly certificate: Certificate;
  /** Built when the certificate is first chosen, and only once in this set. */
  readonly context: SecureContext;
  /** How the certificate came to be chosen: it names the server, a wildcard covers it, or none does. */
  readonly why: 'exact' | 'wildcard' | 'default';
}

/** The certificates of a listener. Immutable: a change makes a new set. */
export interface CertificateSet {
  readonly certificates: readonly Certificate[];
  /**
   * The certificate for the name that a client asks for by SNI (or an address literal), any case; undefined when it
   * asks for none. Throws a SidecarError when OpenSSL refuses the certificate, which `buildContext` shows earlier.
   */
  choose(serverName: string | undefined): CertificateChoice;
}

/**
 * A set of one or more certificates. An exact name comes before a wildcard, and where several cover a name the one
 * that is valid longest wins. For names that none covers the default is the certificate for `defaultName`, or the
 * first one. `preferred` certificates win over the others wherever they cover a name, those of a list over the next one's.
 */
export function createCertificateSet(
  certificates: readonly Certificate[],
  defaultName?: string,
  ...preferred: readonly (readonly Certificate[])[]
): CertificateSet {
  const all = [...preferred.flat(), ...certificates];
  const tiers = [...preferred, certificates].filter((tier) => tier.length > 0).map(indexByName);
  const contexts = new Map<Certificate, SecureContext>();

  const choice = (certificate: Certificate, why: CertificateChoice['why']): CertificateChoice => {
    let context = contexts.get(certificate);
    if (context === undefined) {
      context = buildContext(certificate);
      contexts.set(certificate, context);
    }
    return { certificate, context, why };
  };

  const find = (serverName: string): { certificate: Certificate; why: 'exact' | 'wildcard' } | undefined => {
    const name = isIP(serverName) === 0 ? serverName.toLowerCase() : canonicalAddress(serverName);
    const wildcard = isIP(serverName) === 0 ? wildcardFor(name) : undefined;
    for (const tier of tiers) {
      const exact = tier.get(name);
      if (exact !== undefined) return { certificate: exact, why: 'exact' };
      const covering = wildcard === undefined ? undefined : tier.get(wildcard);
      if (covering !== undefined) return { certificate: covering, why: 'wildcard' };
    }
    return undefined;
  };

  const fallback =
    (defaultName === undefined ? undefined : find(defaultName)?.certificate) ?? certificates[0] ?? all[0];
  if (fallback === undefined) {
    throw new SidecarError('A listener for TLS has no certificate at all.', { code: 'no-certificate', blame: 'us' });
  }

  // Peers that were told an address instead of a name send no SNI (server-server API, "TLS"): one for addresses suits them.
  const unnamed = all.find((one) => one.dnsNames.length === 0 && one.ipAddresses.length > 0) ?? fallback;

  return Object.freeze({
    certificates: Object.freeze(all),
    choose(serverName: string | undefined) {
      if (serverName === undefined) return choice(unnamed, 'default');
      const found = find(serverName);
      return found === undefined ? choice(fallback, 'default') : choice(found.certificate, found.why);
    },
  });
}

/** What OpenSSL makes of a certificate. Throws a SidecarError, code `certificate-unusable`, when it refuses it. */
export function buildContext(certificate: Certificate): SecureContext {
  try {
    return createSecureContext({ ...tlsOptions, cert: certificate.chainPem, key: certificate.keyPem });
  } catch (cause) {
    throw new SidecarError(`OpenSSL refuses the certificate in ${certificate.origin}: ${describeError(cause)}.`, {
      code: 'certificate-unusable',
      blame: 'operator',
      hint: 'Request a new certificate with an EC key (P-256), signed with SHA-256.',
      cause,
    });
  }
}

function indexByName(certificates: readonly Certificate[]): ReadonlyMap<string, Certificate> {
  const index = new Map<string, Certificate>();
  for (const certificate of certificates) {
    for (const name of [...certificate.dnsNames, ...certificate.ipAddresses]) {
      const other = index.get(name);
      if (other === undefined || other.notAfter < certificate.notAfter) index.set(name, certificate);
    }
  }
  return index;
}
