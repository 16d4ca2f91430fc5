import { SidecarError } from '../base/errors.ts';
import type { ChallengeType } from './solver.ts';

/** Why control of one name could not be shown in one way. */
export interface NameFailure {
  /** With `*.` where the order was for a wildcard. */
  readonly name: string;
  /** Undefined where no challenge could even be tried. */
  readonly challenge: ChallengeType | undefined;
  /** An AcmeProblem with the CA's own words, or what the solver said. */
  readonly error: SidecarError;
}

/** No certificate, because control of a name could not be shown, whatever was tried. Code `acme-validation-failed`. */
export class IssuanceFailed extends SidecarError {
  readonly failures: readonly NameFailure[];

  constructor(failures: readonly NameFailure[]) {
    const [first] = failures;
    super(`No certificate: ${failures.map(({ error }) => error.message.replace(/\.$/, '')).join('; ')}.`, {
      code: 'acme-validation-failed',
      blame: 'operator',
      hint: first?.error.hint ?? hintFor(first?.challenge, first?.name ?? 'the name'),
      cause: first?.error,
    });
    this.failures = failures;
  }
}

function hintFor(challenge: ChallengeType | undefined, name: string): string {
  switch (challenge) {
    case 'http-01':
      return `Port 80 of every address that ${name} resolves to must lead to this sidecar, from anywhere in the Internet.`;
    case 'tls-alpn-01':
      return `Port 443 of every address that ${name} resolves to must lead to this sidecar, with nothing in between that ends TLS.`;
    case 'dns-01':
    case 'dns-persist-01':
      return `The TXT record must be visible at every name server of ${name}, or of the zone that its CNAME leads to.`;
    case undefined:
      return 'Enable one of the challenges that the CA offers in acme.challenges.';
  }
}
