import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import type { Finding } from '../base/finding.ts';
import { isJsonObject, type JsonObject, ownMember } from '../matrix/json.ts';
import type { HomeserverYaml } from './homeserver-yaml.ts';
import type { SidecarFacts } from './sidecar-facts.ts';

/** What the homeserver is called, and what it and the sidecar tell others about that. Pure. */
export function lintNames(yaml: HomeserverYaml, facts: SidecarFacts): Finding[] {
  return [
    ...lintServerName(yaml, facts),
    ...lintPublicBaseurl(yaml, facts),
    ...lintServerWellKnown(yaml, facts),
    ...lintClientWellKnown(yaml, facts),
  ];
}

function lintServerName(yaml: HomeserverYaml, { serverName }: SidecarFacts): Finding[] {
  if (yaml.serverName === serverName) return [];
  return [
    {
      id: 'synapse-server-name-differs',
      severity: 'error',
      place: yaml.place(['server_name']),
      what: `Synapse is ${yaml.serverName}, and the sidecar publishes it as ${serverName}: every signature is refused.`,
      fix: 'Correct server_name in the configuration of the sidecar; in the life of a homeserver its name never changes.',
      lines: [`  - server_name: ${yaml.serverName}`],
    },
  ];
}

/** Synapse writes public_baseurl into mails, single sign-on and its own client document. */
function lintPublicBaseurl(yaml: HomeserverYaml, facts: SidecarFacts): Finding[] {
  const published = readBaseUrl(facts.clientDocument);
  if (published === undefined) return [];
  const place = yaml.place(['public_baseurl']);
  const lines = [`public_baseurl: ${published}/`];
  const written = yaml.publicBaseurl;
  if (written === undefined) {
    if (isSameOrigin(`https://${yaml.serverName}`, published)) return [];
    const what = `Clients reach Synapse at ${published}, and without public_baseurl it takes https://${yaml.serverName}/ for that: single sign-on and the links in its mails lead there.`;
    const fix = "Add public_baseurl to Synapse's configuration.";
    return [{ id: 'synapse-public-baseurl-missing', severity: 'warning', place, what, fix, lines }];
  }
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url?.protocol === 'http:') {
    const what = `public_baseurl is ${written}: links and single sign-on lead clients to a port without TLS.`;
    return [
      {
        id: 'synapse-public-baseurl-http',
        severity: 'error',
        place,
        what,
        fix: 'Write public_baseurl with https.',
        lines,
      },
    ];
  }
  if (url !== undefined && isSameOrigin(written, published)) return [];
  const what = `public_baseurl is ${written}, and the sidecar sends clients to ${published}.`;
  const fix =
    'Write the address of the sidecar into public_baseurl; if Synapse is right, set well_known of the server in the sidecar instead.';
  return [{ id: 'synapse-public-baseurl-differs', severity: 'warning', place, what, fix, lines }];
}

/** Synapse would say SERVER_NAME:443 (synapse/rest/well_known.py). */
function lintServerWellKnown(yaml: HomeserverYaml, { serverDocument }: SidecarFacts): Finding[] {
  if (!yaml.serveServerWellknown) return [];
  const own = `${yaml.serverName}:443`;
  const ours = serverDocument === undefined ? undefined : ownMember(serverDocument, 'm.server');
  const agree = ours === own;
  const what = agree
    ? 'serve_server_wellknown is on, though the sidecar answers /.well-known/matrix/server.'
    : `serve_server_wellknown is on and says ${own}; the sidecar, which others see, ${ours === undefined ? 'publishes no delegation' : `says ${String(ours)}`}.`;
  return [
    {
      id: 'synapse-serve-server-wellknown',
      severity: agree ? 'info' : 'warning',
      place: yaml.place(['serve_server_wellknown']),
      what,
      fix:
        ours === undefined
          ? `Turn serve_server_wellknown off in Synapse; if the delegation is meant, write delegate_to: ${own} into the configuration of the sidecar.`
          : 'Turn serve_server_wellknown off in Synapse: only one of the two can be right.',
      lines: ['serve_server_wellknown: false'],
    },
  ];
}

/** What Synapse would add to its own client document, and nobody sees behind the sidecar. */
function lintClientWellKnown(yaml: HomeserverYaml, { clientDocument }: SidecarFacts): Finding[] {
  const hidden = Object.entries(yaml.extraWellKnownClient).filter(
    ([key, value]) => !isDeepStrictEqual(ownMember(clientDocument, key), value),
  );
  if (hidden.length === 0) return [];
  const names = hidden.map(([key]) => key);
  return [
    {
      id: 'synapse-client-wellknown-hidden',
      severity: 'warning',
      place: yaml.place(['extra_well_known_client_content']),
      what: `Clients do not see ${names.join(', ')} of extra_well_known_client_content: the sidecar answers /.well-known/matrix/client.`,
      fix: 'Write what is hidden to this server in the configuration of the sidecar, below well_known.',
      lines: writeLines({ well_known: { client: Object.fromEntries(hidden) } }).map((line) => `    ${line}`),
    },
  ];
}

function writeLines(value: unknown): string[] {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd().split('\n');
}

function readBaseUrl(document: JsonObject): string | undefined {
  const homeserver = ownMember(document, 'm.homeserver');
  const url = isJsonObject(homeserver) ? ownMember(homeserver, 'base_url') : undefined;
  return typeof url === 'string' && URL.canParse(url) ? url.replace(/\/$/, '') : undefined;
}

function isSameOrigin(one: string, other: string): boolean {
  return URL.canParse(one) && URL.canParse(other) && new URL(one).origin === new URL(other).origin;
}
