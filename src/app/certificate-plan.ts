import type { Config, ServerConfig } from '../config/config.ts';
import type { PlannedCertificate } from '../tls/certificate-keeper.ts';
import { listNeededNames } from './certificate-names.ts';

/** Also on the development certificate, so that a sidecar on this machine can be tried as it stands. */
const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1'];

/** Which certificates a configuration needs, for which names, and where each is to come from. */
export function planCertificates(config: Config): PlannedCertificate[] {
  const plan: PlannedCertificate[] = [];
  for (const server of config.servers) {
    const names = listNeededNames(server).map((needed) => needed.name);
    if (server.certificate !== undefined)
      plan.push({ names, listener: 'all', source: { kind: 'files', files: server.certificate } });
    if (server.federationCertificate !== undefined) {
      plan.push({
        names: namesOfPeers(server),
        listener: 'federation',
        source: { kind: 'files', files: server.federationCertificate },
      });
    }
  }
  const local = config.servers.filter((server) => server.certificate === undefined);
  if (config.certificates === 'local' && local.length > 0) {
    const names = local.flatMap((server) => listNeededNames(server).map((needed) => needed.name));
    plan.push({ names: [...new Set([...names, ...LOCAL_NAMES])], listener: 'all', source: { kind: 'local' } });
  }
  return plan;
}

/** What other servers check on the federation port: the delegated host unless SRV keeps the server name. */
export function namesOfPeers(server: ServerConfig): string[] {
  const { serverName, delegateTo, delegateBy } = server;
  if (delegateTo === undefined || delegateBy === 'srv') return [serverName.host];
  return delegateBy === 'both' ? [...new Set([delegateTo.host, serverName.host])] : [delegateTo.host];
}
