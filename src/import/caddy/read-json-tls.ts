import type { Finding } from '../../base/finding.ts';
import { parseAcmeDirectory } from '../../config/acme-directory.ts';
import type { JsonObject } from '../../matrix/json.ts';
import type { Place } from '../place.ts';
import { tellDns } from '../tell-dns.ts';
import { entry, type YamlEntry } from '../yaml-entry.ts';
import { listObjects, memberOf, textOf } from './read-members.ts';
import { tellInternal } from './read-options.ts';

/** The sections that follow from the policies of Caddy's tls app: the first issuer of each kind counts. */
export function readJsonTls(
  config: JsonObject,
  place: Place,
): { readonly sections: readonly YamlEntry[]; readonly findings: readonly Finding[] } {
  const policies = listObjects(memberOf(memberOf(memberOf(config, 'apps'), 'tls'), 'automation')['policies']);
  const issuers = policies.flatMap((policy) => listObjects(policy['issuers']));
  if (issuers.some((issuer) => issuer['module'] === 'internal')) {
    return { sections: [entry('certificates', 'local', place)], findings: [tellInternal(place)] };
  }
  const acme = issuers.find((issuer) => issuer['module'] === 'acme');
  if (acme === undefined) return { sections: [], findings: [] };
  const values: [string, string][] = [];
  const [email, directory] = [textOf(acme['email']), textOf(acme['ca'])];
  if (email !== undefined && /^[^\s{}@]+@[^\s{}@]+$/.test(email)) values.push(['email', email]);
  if (
    directory !== undefined &&
    !directory.startsWith('https://acme-v02.api.letsencrypt.org/') &&
    parseAcmeDirectory(directory).ok
  ) {
    values.push(['directory', directory]);
  }
  const dns = memberOf(memberOf(acme, 'challenges'), 'dns');
  const provider = textOf(memberOf(dns, 'provider')['name']);
  return {
    sections: values.length === 0 ? [] : [entry('acme', Object.fromEntries(values), undefined)],
    findings: provider === undefined ? [] : [tellDns(place, provider)],
  };
}
