import type { Resolution } from '../discovery/resolution.ts';
import { coversHow, coversName } from '../tls/covers-name.ts';
import type { AddressFacts } from './facts.ts';
import type { CertificateSeen } from './read-certificates.ts';
import type { Remark } from './verdict.ts';
import { writeWellKnown } from './write-lines.ts';

/** Whether the certificate is for the name that other servers check, in the eyes of all of them. */
export function* judgeCertificateName(
  about: AddressFacts,
  leaf: CertificateSeen,
  resolution: Resolution,
): Generator<Remark> {
  const { certificateName: name, serverName } = resolution;
  // Nobody vouches for its names.
  if (about.tls?.untrusted?.code === 'DEPTH_ZERO_SELF_SIGNED_CERT') return;
  if (coversName(leaf, name)) {
    if (coversHow(leaf, name) === 'wildcard' && name.startsWith('xn--')) yield describeWildcard(leaf, name);
    return;
  }
  const undotted = name.replace(/\.$/, '');
  if (undotted !== name && coversName(leaf, undotted)) return yield describeDot(undotted, resolution);
  const evidence = `it is for ${listNames(leaf)}, and has to be for ${name}`;
  const bySrv = ['3.3', '3.4', '4', '5'].includes(resolution.step);
  if (bySrv && about.host !== name && coversName(leaf, about.host)) {
    yield {
      id: 'srv-certificate-for-target',
      evidence,
      fix: `Get a certificate for ${name} and serve it on ${about.host}; or delegate by well-known, for which the one you have is right.`,
      lines: [
        `https://${serverName.host}/.well-known/matrix/server: ${writeWellKnown(about.host, portOf(about, resolution))}`,
      ],
    };
    return;
  }
  yield {
    id: 'tls-wrong-name',
    evidence,
    fix: `Get a certificate for ${name}, and serve it to who asks for that name.`,
  };
}

function listNames({ dnsNames, ipAddresses }: CertificateSeen): string {
  const all = [...dnsNames, ...ipAddresses];
  const more = all.length > 10 ? ` and ${all.length - 10} more` : '';
  return all.length === 0 ? 'no name at all' : `${all.slice(0, 10).join(', ')}${more}`;
}

/** Synapse's TLS library (service_identity, hazmat.py, _hostname_matches) lets no wildcard stand for an `xn--` label. */
function describeWildcard(leaf: CertificateSeen, name: string): Remark {
  return {
    id: 'tls-wrong-name',
    evidence: `it is for ${listNames(leaf)}, and Synapse lets a wildcard stand for no name that begins with xn--`,
    fix: `Get a certificate that has ${name} itself in it.`,
  };
}

/** The same library compares the name as it is written, and no certificate has the dot that ends an absolute name. */
function describeDot(undotted: string, { wellKnown, serverName }: Resolution): Remark {
  const delegated = wellKnown?.result.ok === true ? wellKnown.result.delegated : undefined;
  const port = delegated?.port;
  const document = port === undefined ? `{"m.server": "${undotted}"}` : writeWellKnown(undotted, port);
  return {
    id: 'tls-wrong-name',
    evidence: `it is for ${undotted}, and Synapse wants it to be for "${undotted}.", with the dot`,
    fix: 'Write the name without the dot at its end: no certificate has it.',
    ...(delegated === undefined
      ? {}
      : { lines: [`https://${serverName.host}/.well-known/matrix/server: ${document}`] }),
  };
}

/** The port that the SRV record of this target names, whatever `--connect-to` makes of it. */
function portOf({ host, port }: AddressFacts, { srv }: Resolution): number {
  const used = srv.find(({ records }) => records.length > 0)?.records ?? [];
  const ports = used.filter(({ target }) => target.toLowerCase() === host).map((record) => record.port);
  return ports.includes(port) ? port : (ports[0] ?? port);
}
