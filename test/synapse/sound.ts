import { parseUpstream } from '../../src/base/address.ts';
import type { HomeserverYamlReading } from '../../src/synapse/homeserver-yaml.ts';
import { readHomeserverYaml } from '../../src/synapse/homeserver-yaml.ts';
import type { SidecarFacts } from '../../src/synapse/sidecar-facts.ts';
import { readYamlFile } from '../../src/synapse/yaml-file.ts';

/** A homeserver.yaml in which nothing is wrong behind the sidecar of `facts()`. */
export const SOUND = `server_name: example.com
public_baseurl: https://matrix.example.com/
listeners:
  - port: 8008
    type: http
    tls: false
    x_forwarded: true
    resources:
      - names: [client, federation]
serve_server_wellknown: false
database: { name: psycopg2, args: { password: hunter2 } }
registration_shared_secret: hunter3
`;

export function facts(over: Partial<SidecarFacts> & { at?: string } = {}): SidecarFacts {
  const { at = 'http://synapse:8008', ...more } = over;
  const homeserver = parseUpstream(at);
  if (!homeserver.ok) throw new Error(homeserver.why);
  return {
    serverName: 'example.com',
    homeserver: homeserver.value,
    clientDocument: { 'm.homeserver': { base_url: 'https://matrix.example.com' } },
    serverDocument: { 'm.server': 'matrix.example.com:443' },
    uploadLimit: 1024 ** 3,
    privateFederation: false,
    mas: undefined,
    rtc: undefined,
    workers: undefined,
    ...more,
  };
}

/** Reads texts as files `a.yaml`, `b.yaml` and so on. */
export function read(...texts: string[]): HomeserverYamlReading {
  const files = texts.map((text, index) => readYamlFile(text, `${'abcdef'[index]}.yaml`));
  return readHomeserverYaml(
    files.map((one) => {
      if (!one.ok) throw new Error(`${one.problem.place.line}: ${one.problem.what}`);
      return one.file;
    }),
  );
}
