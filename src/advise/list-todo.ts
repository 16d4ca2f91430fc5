import type { Block, DelegationAdvice, DnsRecord, PublishedDocument, Step } from './advice.ts';
import type { AdvisedCertificate, AdvisedServer, Deployment } from './advised-server.ts';
import type { NeededPort } from './decide-ports.ts';
import type { ProofDecision } from './decide-proof.ts';
import { joinWords, listRefused } from './describe-certificate.ts';
import { readDelegation } from './list-documents.ts';
import type { FederationWay } from './list-ways.ts';
import { PLACEHOLDER_V4, PLACEHOLDER_V6, renderZone } from './zone-file.ts';

export interface TodoFacts {
  readonly server: AdvisedServer;
  readonly deployment: Deployment;
  readonly delegation: DelegationAdvice;
  readonly ways: readonly FederationWay[];
  readonly documents: readonly PublishedDocument[];
  readonly records: readonly DnsRecord[];
  readonly certificates: readonly AdvisedCertificate[];
  readonly proofs: readonly ProofDecision[];
  readonly ports: readonly NeededPort[];
  readonly homeserver: string;
  /** Where the sidecar publishes the same documents, without a slash at the end; undefined where it does not. */
  readonly sidecar: string | undefined;
}

/** What is to be done for one server name, in an order in which it can be done. */
export function listTodo(facts: TodoFacts): readonly Step[] {
  const missing = stepForDelegation(facts);
  // Everything else follows from the delegation: it would be other advice then.
  if (missing !== undefined) return [missing];
  const steps = [
    stepForContradiction(facts),
    stepForChallenges(facts),
    stepForDns(facts),
    stepForWebsite(facts),
    stepForCertificates(facts),
    stepForPorts(facts),
    stepForHomeserver(facts),
    stepForTrust(facts),
  ];
  return steps.filter((step) => step !== undefined);
}

/** No other server would find the sidecar, whatever else is done. */
function stepForDelegation({ server, delegation, ways }: TodoFacts): Step | undefined {
  const { serverName, apex } = server;
  if (delegation.method !== 'none' || !delegation.needed) return undefined;
  const to = apex === 'elsewhere' ? `matrix.${serverName.host}:443` : `${serverName.host}:443`;
  const notes =
    apex === 'elsewhere'
      ? [
          `${to} is an example: any host name that leads to this sidecar, with the port that it listens on.`,
          `Without it, other servers come here only if port ${ways[0]!.port} of ${serverName.host} leads here although https://${serverName.host} does not, and clients do not come at all.`,
        ]
      : [`Or open port ${ways[0]!.port}: listen: { federation: ${ways[0]!.port} }.`];
  return {
    id: 'config',
    title: 'Delegate: add this to the server in the configuration (DELEGATE_TO in the environment), and run this again',
    notes,
    blocks: [{ caption: undefined, format: 'yaml', text: `delegate_to: ${to}` }],
  };
}

/** Somebody has merged another delegation over the derived one: names, records and certificates are not those of it. */
function stepForContradiction({ server, documents }: TodoFacts): Step | undefined {
  const published = readDelegation(documents);
  if (published === undefined || published === server.delegateTo?.text) return undefined;
  return {
    id: 'config',
    title: `Say where other servers go in delegate_to: well_known.server sends them to ${published} instead`,
    notes: ['Records, ports and certificates follow from delegate_to. Take m.server out of well_known.server.'],
    blocks: [{ caption: undefined, format: 'yaml', text: `delegate_to: ${published}` }],
  };
}

function stepForChallenges({ proofs }: TodoFacts): Step | undefined {
  const proof = proofs.find(({ challenges }) => challenges !== undefined);
  if (proof?.challenges === undefined) return undefined;
  return {
    id: 'config',
    title: 'Allow a challenge over DNS in the configuration',
    notes: [
      `${proof.name} is proved ${proof.why}.`,
      ...(proof.alternatives ? ['Or dns-01, with a provider below acme.dns that writes the records.'] : []),
    ],
    blocks: [{ caption: undefined, format: 'yaml', text: `acme:\n  challenges: [${proof.challenges.join(', ')}]` }],
  };
}

function stepForDns({ server, records, proofs, ways }: TodoFacts): Step | undefined {
  if (!records.some(({ needed }) => needed)) return undefined;
  const notes: string[] = [];
  if (records.some(({ type }) => type === 'A'))
    notes.push(`${PLACEHOLDER_V4} and ${PLACEHOLDER_V6} stand for the public addresses of this machine.`);
  const srv = ways.find(({ by }) => by === 'srv');
  if (srv !== undefined)
    notes.push(`${srv.host}, the target of SRV, must have A or AAAA records of its own, and no CNAME (RFC 2782).`);
  if (proofs.some(({ alternatives }) => alternatives))
    notes.push('Of _validation-persist and _acme-challenge, one is enough.');
  notes.push(...new Set(proofs.flatMap((proof) => proof.notes)));
  if (server.apex === 'elsewhere') notes.push(`The address records of ${server.serverName.host} stay as they are.`);
  notes.push(
    'Moving from another machine? Lower the TTL to 300 a day before, and let the old one answer for 48 hours after: so long may others remember the well-known document.',
  );
  return { id: 'dns', title: 'Publish DNS records', notes, blocks: groupByZone(server, records) };
}

/** What the owner of the server name has to publish, and what the owner of the host that it is delegated to has. */
function groupByZone({ serverName, delegateTo }: AdvisedServer, records: readonly DnsRecord[]): readonly Block[] {
  const isNear = ({ name }: DnsRecord): boolean => `.${name}`.endsWith(`.${serverName.host}.`);
  const near = records.filter(isNear);
  const far = records.filter((record) => !isNear(record));
  const block = (host: string, list: readonly DnsRecord[]): Block[] =>
    list.length === 0 ? [] : [{ caption: `In the zone that holds ${host}`, format: 'zone', text: renderZone(list) }];
  return [...block(serverName.host, near), ...block(delegateTo?.host ?? serverName.host, far)];
}

function stepForWebsite({ server, documents, delegation, sidecar }: TodoFacts): Step | undefined {
  const elsewhere = documents.filter(({ by }) => by === 'website');
  if (elsewhere.length === 0) return undefined;
  const apex = `https://${server.serverName.host}`;
  const folder = `${apex}/.well-known/matrix/`;
  const optional = delegation.method === 'srv' ? ' (for clients; other servers do not need it)' : '';
  const notes = [
    'With status 200, Content-Type: application/json and Access-Control-Allow-Origin: *, and without a redirect to www.',
  ];
  if (sidecar !== undefined)
    notes.push(
      `Or redirect ${folder}* with status 302 to ${sidecar}/.well-known/matrix/*, with Access-Control-Allow-Origin: * on the redirect as well: then it never has to be changed again. Not 308, which Synapse does not follow.`,
    );
  return {
    id: 'website',
    title: `Have the web server of ${apex} publish ${elsewhere.length === 1 ? 'this' : 'these'}, byte for byte${optional}`,
    notes,
    blocks: elsewhere.map(({ url, body }) => ({ caption: url, format: 'json', text: body })),
  };
}

/** Certificates that the operator brings, and those that no public CA gives. */
function stepForCertificates({ certificates, deployment }: TodoFacts): Step | undefined {
  const refused = listRefused(certificates, deployment);
  if (refused.length > 0) {
    return {
      id: 'certificate',
      title: `Get the certificate from elsewhere: ${deployment.acme.ca} does not sign for ${joinWords(refused.map(({ name }) => name))}`,
      notes: [
        ...refused.map(({ name, why }) => `${name}: ${why}.`),
        'In the configuration, use certificates: local, a certificate of your own, or the directory of a private CA.',
      ],
      blocks: [],
    };
  }
  const own = certificates.filter(({ source }) => source.kind === 'files');
  if (own.length === 0) return undefined;
  const notes = own.flatMap((certificate) => {
    if (certificate.source.kind !== 'files') return [];
    const where = certificate.source.listener === 'federation' ? ' (federation port)' : '';
    return [
      `${certificate.source.paths.join(' and ')}${where}: for ${joinWords(certificate.names.map(({ name }) => name))}, with all intermediates.`,
    ];
  });
  return { id: 'certificate', title: 'Keep your certificate files good', notes, blocks: [] };
}

function stepForPorts({ ports }: TodoFacts): Step {
  const list = joinWords(ports.map(({ port, why }) => `${port} (${why})`));
  const mapped = ports.flatMap(({ port, mappedTo }) =>
    mappedTo === undefined
      ? []
      : [`The sidecar does not listen on ${port} itself: map ${port} of the machine to ${mappedTo}.`],
  );
  return { id: 'ports', title: `Let these ports reach the sidecar from outside: ${list}`, notes: mapped, blocks: [] };
}

function stepForHomeserver({ homeserver }: TodoFacts): Step {
  const block: Block = { caption: undefined, format: 'yaml', text: homeserver };
  return {
    id: 'homeserver',
    title: 'Set these lines in homeserver.yaml of Synapse, and restart it',
    notes: [],
    blocks: [block],
  };
}

/** A development CA is only good among those who know it. */
function stepForTrust({ certificates }: TodoFacts): Step | undefined {
  const local = certificates.find(({ source }) => source.kind === 'local');
  if (local?.source.kind !== 'local') return undefined;
  const lines = [
    'federation_custom_ca_list:  # instead of the public authorities; every CA of the federation has to be in it',
    '  - /path/to/root.pem',
    'ip_range_blacklist: []  # only where the servers have private addresses',
  ];
  return {
    id: 'trust',
    title: 'Give the root of the development CA to every other server and client of this federation',
    notes: [`It is ${local.source.root} in the store. In homeserver.yaml of the other servers:`],
    blocks: [{ caption: undefined, format: 'yaml', text: lines.join('\n') }],
  };
}
