import type { Finding } from '../../base/finding.ts';
import { nameAuthority, parseAcmeDirectory } from '../../config/acme-directory.ts';
import type { CertificateLooks } from '../plan-certificate.ts';
import { planCertificatesAlone } from '../plan-certificates-alone.ts';
import type { ImportHints, ImportPlan } from '../plan-import.ts';
import { tellDns } from '../tell-dns.ts';
import { entry } from '../yaml-entry.ts';
import type { CertbotFolder, Lineage } from './read-certbot.ts';

/** What certbot's folders say: names, the CA, how names are proved. Pure. */
export function planCertbot(
  folders: readonly CertbotFolder[],
  looks: CertificateLooks,
  hints: ImportHints,
): ImportPlan {
  const lineages = folders.flatMap((folder) => folder.lineages);
  const findings = lineages.flatMap(lintLineage);
  const acme: [string, unknown][] = [];
  const email = folders.map((folder) => folder.email).find((one) => one !== undefined);
  if (email !== undefined) acme.push(['email', email]);
  const directory = lineages.map((one) => one.settings.get('server')?.value).find((one) => one !== undefined);
  if (directory !== undefined && parseAcmeDirectory(directory).ok) {
    const name = nameAuthority(directory);
    if (name !== 'letsencrypt') acme.push(['directory', name ?? directory]);
  }
  const chain = lineages
    .map((one) => one.settings.get('preferred_chain')?.value)
    .find((one) => one !== undefined && one !== 'None');
  if (chain !== undefined && chain !== '') acme.push(['preferred_chain', chain]);
  const plan = planCertificatesAlone(
    {
      program: 'certbot',
      sources: lineages.map(({ place, cert }) => ({ place, names: listNames(looks, cert) })),
      sections: acme.length === 0 ? [] : [entry('acme', Object.fromEntries(acme), undefined)],
      findings,
    },
    hints,
  );
  const stop: Finding = {
    id: 'import-certbot-goes-on',
    severity: 'info',
    what: 'certbot goes on renewing these certificates until it is told not to.',
    fix: 'Once the sidecar serves: certbot delete --cert-name NAME for those that nothing else uses. For what else needs one (mail), certs export writes files.',
  };
  return { ...plan, findings: [...plan.findings, stop], carry: folders.map(({ root }) => root) };
}

function listNames(looks: CertificateLooks, cert: string): readonly string[] {
  const look = looks.get(cert);
  return look?.kind === 'found' ? look.names : [];
}

function lintLineage({ settings }: Lineage): readonly Finding[] {
  const findings: Finding[] = [];
  const authenticator = settings.get('authenticator');
  if (authenticator?.value.startsWith('dns-') || authenticator?.value === 'manual') {
    findings.push(tellDns(authenticator.place, authenticator.value));
  }
  for (const hook of ['renew_hook', 'deploy_hook', 'post_hook', 'pre_hook']) {
    const set = settings.get(hook);
    if (set === undefined || set.value === '' || set.value === 'None') continue;
    findings.push({
      id: 'import-hook',
      severity: 'info',
      place: set.place,
      what: `certbot runs a command at each renewal (${hook} = ${set.value.slice(0, 200)}), and the sidecar runs none.`,
      fix: 'To reload nginx it is no longer needed; what else uses the certificate gets it by certs export.',
    });
  }
  return findings;
}
