import type { Certificate } from './certificate.ts';
import type { Finding } from './check-certificate.ts';

/**
 * One certificate over time, wherever it comes from: the operator's files, the development CA, an ACME CA. It looks
 * after its own renewal. A failure after `load` never takes away the certificate that there is.
 */
export interface CertificateSource {
  /** The first certificate, once, before everything else. Rejects with a SidecarError when there can be none. */
  load(): Promise<Certificate>;
  /** The certificate to serve; undefined before `load`. */
  current(): Certificate | undefined;
  /**
   * Better ones for some of its names, which go before `current` there, each with no other names than those. Only where
   * `current` is a makeshift.
   */
  standIns?(): readonly Certificate[];
  /** What is wrong with it now, and with the last attempt to replace it. */
  findings(): readonly Finding[];
  /** Looks again at once. Never rejects: what fails is logged and among the findings. */
  reload(): Promise<void>;
  /** Calls back after `current` has changed; the result stops that. */
  onChange(listener: () => void): () => void;
  close(): void;
}
