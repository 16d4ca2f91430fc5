import { expect, it } from 'vitest';
import { nameIssuer } from '../../src/app/describe-certificate.ts';

it.each([
  ["C=US\nO=Let's Encrypt\nCN=E7", "Let's Encrypt E7"],
  ['O=Example\nCN=Example Root', 'Example Root'],
  ['CN=matrix-sidecar development CA', 'matrix-sidecar development CA'],
  ['O=Example', 'Example'],
  ['C=US\nST=Here', 'C=US, ST=Here'],
  ['CN=a=b', 'a=b'],
])('%j is said as %s', (issuer, said) => expect(nameIssuer(issuer)).toBe(said));
