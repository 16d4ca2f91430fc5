import { X509Certificate } from 'node:crypto';
import type { CaAnswer } from './ca-answer.ts';
import { malformedAnswer } from './read-problem.ts';

const MAX_CERTIFICATES = 10;

/** A chain as a CA sent it (RFC 8555 section 9.1): the leaf, then its issuers. */
export interface DownloadedChain {
  readonly pem: string;
  /** The common names of the issuers, in the chain's order: the last is the topmost. Empty text for one without. */
  readonly issuers: readonly string[];
}

/** Throws an AcmeProblem of type `malformed-answer`, whatever the bytes. Anything but certificates is left out. */
export function parseChain(answer: CaAnswer): DownloadedChain {
  const blocks = answer.body.split('-----END CERTIFICATE-----').slice(0, -1);
  if (blocks.length === 0) throw malformedAnswer(answer.url, answer.status, 'it holds no certificate');
  if (blocks.length > MAX_CERTIFICATES) {
    throw malformedAnswer(answer.url, answer.status, `it holds more than ${MAX_CERTIFICATES} certificates`);
  }
  try {
    const certificates = blocks.map((block) => {
      const begin = block.indexOf('-----BEGIN CERTIFICATE-----');
      return new X509Certificate(`${block.slice(Math.max(0, begin))}-----END CERTIFICATE-----\n`);
    });
    return {
      pem: certificates.map((certificate) => certificate.toString()).join(''),
      issuers: certificates.map(({ issuer }) => /^CN=(.+)$/m.exec(issuer)?.[1] ?? ''),
    };
  } catch {
    throw malformedAnswer(answer.url, answer.status, 'a certificate in it cannot be read');
  }
}

/**
 * Which of several chains to serve: one whose topmost issuer has the preferred common name, else one that has it
 * anywhere, else the first, which is the CA's own choice. The index in `chains`, which is not empty.
 */
export function choosePreferredChain(chains: readonly DownloadedChain[], preferred: string): number {
  const topmost = chains.findIndex(({ issuers }) => issuers.at(-1) === preferred);
  if (topmost !== -1) return topmost;
  return Math.max(
    0,
    chains.findIndex(({ issuers }) => issuers.includes(preferred)),
  );
}

/** The https URLs of a Link header (RFC 8288) with this relation, resolved against where the answer came from. */
export function readLinks(answer: CaAnswer, relation: string): readonly string[] {
  const header = (answer.header('link') ?? '').slice(0, 16_384);
  return [...header.matchAll(/<([^<>]*)>((?:\s*;\s*[^\s=;,"]+\s*=\s*(?:"[^"]*"|[^\s;,"]*))*)/g)]
    .filter(([, , parameters]) => {
      const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]*))/i.exec(parameters ?? '');
      return (rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/).includes(relation);
    })
    .filter(([, target]) => URL.canParse(target!, answer.url))
    .map(([, target]) => new URL(target!, answer.url))
    .filter(({ protocol }) => protocol === 'https:')
    .map(({ href }) => href);
}
