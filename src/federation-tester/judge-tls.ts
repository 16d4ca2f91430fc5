import type { HttpsFailure } from '../base/https-exchange.ts';
import type { Resolution } from '../discovery/resolution.ts';
import type { AddressFacts } from './facts.ts';
import type { FindingId } from './finding-kinds.ts';
import { judgeCertificateName } from './judge-certificate-name.ts';
import { formatDuration, formatTime } from './quote.ts';
import type { CertificateSeen } from './read-certificates.ts';
import { COMMAND_OPTIONS, type Policy, type Remark } from './verdict.ts';

const DAY = 86_400_000;

const BROKEN: Readonly<Partial<Record<HttpsFailure, readonly [FindingId, fix: string]>>> = {
  'no-tls': [
    'tls-missing',
    'Let the federation port speak TLS: a homeserver with `tls: false` belongs behind a proxy that does.',
  ],
  'handshake-timeout': [
    'tls-silent',
    'Find out what accepts connections there and says nothing: a proxy whose upstream is gone, or a port forwarded to nobody.',
  ],
  'handshake-failed': [
    'tls-handshake-failed',
    'Let the federation port speak TLS 1.2 or 1.3, with a certificate for the name that is asked for, and without asking for one from clients.',
  ],
};

/** The TLS side of one address that took the connection: handshake, name, time, chain. */
export function* judgeTls(about: AddressFacts, resolution: Resolution, policy: Policy, now: number): Generator<Remark> {
  const { keys } = about;
  if (keys?.ok === false && about.tls === undefined) {
    const failed = BROKEN[keys.failure] ?? (keys.failure === 'reset' ? BROKEN['handshake-failed'] : undefined);
    if (failed !== undefined) yield { id: failed[0], evidence: keys.words, fix: failed[1] };
  }
  const leaf = about.certificates[0];
  if (about.tls === undefined || leaf === undefined) return;
  const remarks = [
    ...judgeTime(leaf, now),
    ...judgeChain(about, leaf, policy),
    ...judgeCertificateName(about, leaf, resolution),
  ];
  yield* remarks;
  const { untrusted } = about.tls;
  // The name and the time are judged above, and OpenSSL names only the first thing that it finds.
  if (untrusted !== undefined && !remarks.some(({ id }) => id !== 'tls-expires-soon')) {
    yield {
      id: untrusted.code.startsWith('CERT_HAS_EXPIRED') ? 'tls-expired' : 'tls-untrusted',
      evidence: untrusted.words,
      fix: `Get a certificate of ${policy.ownAuthority === true ? 'an authority that is trusted' : 'a public authority'}, and serve it with its whole chain.`,
    };
  }
}

function* judgeTime(leaf: CertificateSeen, now: number): Generator<Remark> {
  const { notBefore, notAfter } = leaf;
  if (now >= notAfter) {
    yield {
      id: 'tls-expired',
      evidence: `it expired at ${formatTime(notAfter)}, ${formatDuration(now - notAfter)} ago`,
      fix: 'Renew the certificate now, and let the server load the new one.',
    };
  } else if (now < notBefore) {
    yield {
      id: 'tls-not-yet-valid',
      evidence: `it begins at ${formatTime(notBefore)}, in ${formatDuration(notBefore - now)}`,
      fix: 'Use another certificate until then; if its time should have come, check the clocks of both machines.',
    };
  } else if (notAfter - now < Math.min((notAfter - notBefore) / 6, 14 * DAY)) {
    // A sixth, because there are certificates for six days.
    yield {
      id: 'tls-expires-soon',
      evidence: `it expires at ${formatTime(notAfter)}, in ${formatDuration(notAfter - now)}`,
      fix: 'Renew the certificate, and find out why that did not happen by itself.',
    };
  }
}

/** What to do about an issuer that nobody knows: it may be an authority of one's own. */
export function sayOwnAuthority(issuer: string, { ownAuthority, options = COMMAND_OPTIONS }: Policy): string {
  const { authority } = options;
  return ownAuthority === true
    ? `if "${issuer}" is your own authority, test with its certificate (${authority}), since none that was given is the issuer`
    : `if "${issuer}" is your own authority, test with ${authority}`;
}

function* judgeChain(about: AddressFacts, leaf: CertificateSeen, policy: Policy): Generator<Remark> {
  const code = about.tls?.untrusted?.code ?? '';
  const sent = about.certificates.map(({ subject }) => subject).join(', ');
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT') {
    yield {
      id: 'tls-self-signed',
      evidence: `${leaf.subject} vouches for itself`,
      fix: 'Get a certificate of a public authority (Let’s Encrypt costs nothing); self-signed ones went out with Synapse 1.0.',
    };
  } else if (/^UNABLE_TO_(VERIFY_LEAF|GET_ISSUER)/.test(code) && !leaf.issuedByNext) {
    yield {
      id: 'tls-chain-incomplete',
      evidence: `sent: ${sent}; missing: ${leaf.issuer}`,
      fix: `Serve the chain as well: browsers often know the missing certificate from elsewhere, homeservers do not; or, ${sayOwnAuthority(leaf.issuer, policy)}.`,
      lines: [
        'nginx: ssl_certificate fullchain.pem;   (not cert.pem)',
        `or, if "${leaf.issuer}" is an authority of your own: give its certificate to every other server`,
      ],
    };
  } else if (code === 'SELF_SIGNED_CERT_IN_CHAIN' || /^UNABLE_TO_/.test(code)) {
    const issuer = about.certificates.at(-1)?.issuer ?? leaf.issuer;
    yield {
      id: 'tls-authority-unknown',
      evidence: `sent: ${sent}; issued by ${issuer}`,
      fix: `Get a certificate of an authority that the other servers know; or, ${sayOwnAuthority(issuer, policy)}, and give its root to every other server.`,
      lines: ['homeserver.yaml of the others: federation_custom_ca_list: [ca.pem]'],
    };
  }
}
