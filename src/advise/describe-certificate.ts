import type { CertificateAdvice } from './advice.ts';
import type { AcmeFacts, AdvisedCertificate, Deployment } from './advised-server.ts';
import type { ProofDecision } from './decide-proof.ts';

/** Who gets a certificate, how, and for which names. `proofs` are those of its names. */
export function describeCertificate(
  { names, source }: AdvisedCertificate,
  proofs: readonly ProofDecision[],
  { acme }: Deployment,
): CertificateAdvice {
  const described = names.map(({ name, why }) => {
    const proof = proofs.find((one) => one.name === name);
    return { name, why, proof: proof?.why };
  });
  const done = (how: string): CertificateAdvice => ({ names: described, source: source.kind, how });
  if (source.kind === 'files') {
    const port = source.listener === 'federation' ? ' on the federation port' : '';
    return done(`Yours: ${source.paths.join(' and ')}, used${port} and watched for changes.`);
  }
  if (source.kind === 'local')
    return done('From the development CA of this sidecar: good for whoever was given its root, and for nobody else.');
  const profile = source.profile === undefined ? '' : ` with the profile ${source.profile}`;
  return done(`From ${acme.ca}${profile}, got and renewed by the sidecar.`);
}

/** Names that a public CA does not sign for, and why; a private CA signs for whatever it likes. */
export function listRefused(
  certificates: readonly AdvisedCertificate[],
  { acme, whyNotPublic }: Deployment,
): readonly { readonly name: string; readonly why: string }[] {
  if (!isPublicCa(acme)) return [];
  return certificates
    .filter(({ source }) => source.kind === 'acme')
    .flatMap(({ names }) => names)
    .flatMap(({ name }) => {
      const why = whyNotPublic(name);
      return why === undefined ? [] : [{ name, why }];
    });
}

/** Only those that have a name in CAA records are known to be public. */
function isPublicCa({ issuer }: AcmeFacts): boolean {
  return issuer !== undefined;
}

/** Words in a sentence: `a`, `a and b`, `a, b and c`. */
export function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
