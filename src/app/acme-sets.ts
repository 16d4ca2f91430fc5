import { type NameSet, planSets, type ServerNames } from '../acme/names.ts';
import type { Config, ServerConfig } from '../config/config.ts';
import { listNeededNames } from './certificate-names.ts';

/** The name sets that a CA has to sign; none unless the configuration says `certificates: acme`. */
export function listAcmeSets(config: Config): NameSet[] {
  if (config.certificates !== 'acme') return [];
  return planSets(config.servers.filter((server) => server.certificate === undefined).flatMap(divideNames));
}

/**
 * A host for calls is apart from the rest: it comes later, and what keeps it from being proved (no DNS record yet) must not
 * cost the names that are there their certificate. Servers that share it share its certificate.
 */
function divideNames(server: ServerConfig): readonly ServerNames[] {
  const needed = listNeededNames(server);
  const isForCalls = ({ name }: { readonly name: string }): boolean => name === server.rtc?.host;
  const parts = [needed.filter((one) => !isForCalls(one)), needed.filter(isForCalls)];
  return parts.map((part) => ({ server: server.serverName.text, needed: part }));
}
