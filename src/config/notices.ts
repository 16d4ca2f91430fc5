import type { CidrSet } from '../base/cidr.ts';
import type { Config } from './config.ts';
import { type ConfigDerivation, formatSourcePlace } from './derivation.ts';
import { HIDDEN } from './hidden.ts';
import { formatKeyPath } from './key-path.ts';
import { type Environment, listVariables } from './variables.ts';

/** A file wins over the environment entirely; whoever set a server's variables should know. */
export function noticeIgnored(file: string | undefined, env: Environment): readonly string[] {
  if (file === undefined) return [];
  const isSet = (name: string) => (env[name] ?? '').trim() !== '' || (env[`${name}_FILE`] ?? '').trim() !== '';
  if (!isSet('SERVER_NAME') && !isSet('HOMESERVER')) return [];
  const ignored = listVariables()
    .map(({ name }) => name)
    .filter((name) => name !== 'LOG_LEVEL' && isSet(name));
  return [
    `${file} is the whole configuration, so these variables of the environment are ignored: ${ignored.join(', ')}`,
  ];
}

/** What is sound in a configuration, and yet seldom meant. */
export function noticeUnwise(config: Config): readonly string[] {
  return [...noticeEverybody(config), ...noticeUnused(config), ...noticeHidden(config)];
}

/** What Synapse's configuration has, and is not in force here. Keys that are needed are errors already. */
export function noticeLeft({ left }: ConfigDerivation): readonly string[] {
  return left.map(
    ({ path, why, place }) =>
      `${formatKeyPath(path)} does not follow from ${formatSourcePlace(place)}: ${why}; write it if it is meant`,
  );
}

/** Networks that hold every address. */
function noticeEverybody({ listen, routes }: Config): readonly string[] {
  const everybody = (set: CidrSet) => set.networks.find((network) => network.prefix === 0)?.text;
  const notices: string[] = [];
  const admin = everybody(routes.adminApiFrom);
  if (admin !== undefined) notices.push(`routes.admin_api_from holds ${admin}: everybody can reach /_synapse/admin`);
  const trusted = everybody(routes.trustedProxies);
  if (trusted !== undefined) {
    notices.push(`routes.trusted_proxies holds ${trusted}: any client can pretend to have another address`);
  }
  const proxies = everybody(listen.proxyProtocolFrom);
  if (proxies !== undefined) {
    notices.push(
      `listen.proxy_protocol_from holds ${proxies}: every connection must begin with a PROXY protocol header, and any client can write one`,
    );
  }
  return notices;
}

/** Names are proved by the challenges that are listed, whatever else is there. */
function noticeUnused({ certificates, acme }: Config): readonly string[] {
  if (certificates !== 'acme' || acme.dns === undefined || acme.challenges.includes('dns-01')) return [];
  return ['acme.dns is never used: dns-01 is not among acme.challenges'];
}

/** A shown configuration was used as a file. */
function noticeHidden(config: Config): readonly string[] {
  if (!JSON.stringify(config).includes(HIDDEN)) return [];
  return [`${HIDDEN} stands in the configuration where \`config show\` leaves out a secret: write the secret itself`];
}
