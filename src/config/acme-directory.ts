import { bad, good, type Parsed } from '../base/parsed.ts';
import { quote } from './key-path.ts';

/** The directories (RFC 8555, 7.1.1) of the certificate authorities that have a short name here. */
export const ACME_DIRECTORIES: Readonly<Record<string, string>> = Object.freeze({
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  'letsencrypt-staging': 'https://acme-staging-v02.api.letsencrypt.org/directory',
  zerossl: 'https://acme.zerossl.com/v2/DV90',
  google: 'https://dv.acme-v02.api.pki.goog/directory',
});

/** Reads a short name or an https URL; gives the URL. */
export function parseAcmeDirectory(text: string): Parsed<string> {
  if (Object.hasOwn(ACME_DIRECTORIES, text)) return good(ACME_DIRECTORIES[text]!);
  const names = Object.keys(ACME_DIRECTORIES).join(', ');
  const advice = `write ${names}, or an https URL`;
  if (text.startsWith('http://')) return bad(`${quote(text)}: ACME is only spoken over https; ${advice}`);
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:') {
    return bad(`${quote(text)} is no ACME directory; ${advice}`);
  }
  return good(text);
}

/** Where the authorities that give accounts to their own customers only hand out key identifiers and HMAC keys. */
export const EXTERNAL_ACCOUNTS: Readonly<Record<string, string>> = Object.freeze({
  zerossl: 'in the section Developer of app.zerossl.com',
  google: 'by the command gcloud publicca external-account-keys create',
});

/** The short name of the authority whose directory this is, however it was written; undefined for others. */
export function nameAuthority(directory: string): string | undefined {
  const host = new URL(directory).host;
  return Object.entries(ACME_DIRECTORIES).find(([, url]) => new URL(url).host === host)?.[0];
}
