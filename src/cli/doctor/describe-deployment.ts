import type { Config, ServerConfig } from '../../config/config.ts';
import { digestConfig } from '../../config/digest-config.ts';
import { readFileUpTo } from '../../config/read-file.ts';
import type { DeployedServer, Deployment } from '../../doctor/deployment.ts';
import { JWT_PREFIX } from '../../matrix/rtc-paths.ts';
import { deriveWellKnown, locateRtc } from '../../matrix/well-known.ts';
import type { HomeserverYamlReading } from '../../synapse/homeserver-yaml.ts';
import { loadHomeserverYaml } from '../../synapse/load-homeserver-yaml.ts';

export interface DeploymentOptions {
  /** Instead of what the configuration says: files and folders of Synapse's, in the order of its `-c`. */
  readonly homeserverYaml: readonly string[];
  /** A private authority was named on the command line. */
  readonly privateAuthority: boolean;
}

/** The configuration as doctor looks at it. */
export function describeDeployment(config: Config, options: DeploymentOptions): Deployment {
  const reach =
    options.privateAuthority || config.certificates === 'local' || config.acme.caFile !== undefined
      ? 'private'
      : 'public';
  const given = options.homeserverYaml.length === 0 ? undefined : load(options.homeserverYaml);
  const owner = findOwner(config, given);
  return {
    servers: config.servers.map((server) =>
      describeServer(
        server,
        config,
        reach,
        given === undefined ? loadConfigured(server) : server === owner ? given : undefined,
      ),
    ),
    listen: config.listen,
    trustedProxies: config.routes.trustedProxies,
    reach,
    digest: digestConfig(config),
  };
}

const load = (paths: readonly string[]): HomeserverYamlReading => loadHomeserverYaml(paths, { readFile: readFileUpTo });

function loadConfigured({ homeserverYaml }: ServerConfig): HomeserverYamlReading | undefined {
  return homeserverYaml.length === 0 ? undefined : load(homeserverYaml);
}

/** Whose configuration it is, by its server_name; the first server's where none has that name. */
function findOwner({ servers }: Config, given: HomeserverYamlReading | undefined): ServerConfig | undefined {
  return servers.find(({ serverName }) => serverName.text === given?.yaml?.serverName) ?? servers[0];
}

function describeServer(
  server: ServerConfig,
  config: Config,
  reach: Deployment['reach'],
  synapse: HomeserverYamlReading | undefined,
): DeployedServer {
  const { serverName: name, homeserver, mas, delegateTo, delegateBy, apex } = server;
  const httpsPorts = config.listen.https.map(({ port }) => port);
  const places = { serverName: name, delegateTo, httpsPorts, rtc: server.rtc };
  const documents = deriveWellKnown({ ...places, delegateBy, additions: server.wellKnown });
  const url = locateRtc(places);
  const rtc = server.rtc === undefined || url === undefined ? undefined : { ...server.rtc, url };
  return {
    ...{ name, homeserver, mas, rtc, delegateTo, delegateBy, apex, documents, synapse },
    facts: {
      serverName: name.text,
      homeserver: homeserver.instances[0],
      clientDocument: documents['client'] ?? {},
      serverDocument: documents['server'],
      uploadLimit: config.limits.upload,
      privateFederation: reach === 'private',
      mas: mas?.instances[0],
      rtc: rtc === undefined ? undefined : { url: `${rtc.url}${JWT_PREFIX}`, ownHost: rtc.host !== undefined },
      workers: server.workers,
    },
  };
}
