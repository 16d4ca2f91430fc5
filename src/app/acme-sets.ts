import { type NameSet, planSets } from '../acme/names.ts';
import type { Config } from '../config/config.ts';
import { listNeededNames } from './certificate-names.ts';

/** The name sets that a CA has to sign; none unless the configuration says `certificates: acme`. */
export function listAcmeSets(config: Config): NameSet[] {
  if (config.certificates !== 'acme') return [];
  const servers = config.servers.filter((server) => server.certificate === undefined);
  return planSets(servers.map((server) => ({ server: server.serverName.text, needed: listNeededNames(server) })));
}
