import type { Advice } from './advice.ts';
import type { AdvisedCertificate, AdvisedServer, Deployment } from './advised-server.ts';
import { decideDelegation } from './decide-delegation.ts';
import { decidePorts } from './decide-ports.ts';
import { decideProof, type ProofDecision } from './decide-proof.ts';
import { describeCertificate } from './describe-certificate.ts';
import { renderHomeserverLines } from './homeserver-lines.ts';
import { bracket, listDocuments, readBaseUrl, readCallsUrl, readDelegation } from './list-documents.ts';
import { listRecords } from './list-records.ts';
import { listTodo } from './list-todo.ts';
import { listWays } from './list-ways.ts';
import { listSnippets } from './website/list-snippets.ts';
import { writeVerdict } from './write-verdict.ts';

const HTTPS = 443;

/** Everything to know and to do for one server name. Pure: nothing is asked of anybody. */
export function adviseServer(
  server: AdvisedServer,
  certificates: readonly AdvisedCertificate[],
  deployment: Deployment,
): Advice {
  const { acme, upload, ports: listening } = deployment;
  const documents = listDocuments(server, listening.https);
  const published = readDelegation(documents);
  const ways = listWays(server, published);
  const delegation = decideDelegation({ server, ports: listening, published, ways });
  const proofsOf = certificates.map((certificate) => proveAll(certificate, server, deployment));
  const proofs = proofsOf.flat();
  const records = listRecords({ server, ways, certificates, proofs, acme });
  const baseUrl = readBaseUrl(documents);
  const usesHttp01 = proofs.some(({ possible }) => possible.includes('http-01')) && listening.http.length > 0;
  const ports = decidePorts({ server, ways, baseUrl, ports: listening, usesHttp01 });
  const callsUrl = server.rtc === undefined ? undefined : readCallsUrl(documents);
  const homeserver = renderHomeserverLines({ server, baseUrl, callsUrl, upload });
  const sidecar = locateSidecar(server, listening.https);
  const todo = listTodo({
    ...{ server, deployment, delegation, ways, documents, records },
    ...{ certificates, proofs, ports, homeserver, sidecar },
  });
  const elsewhere = documents.filter(({ by }) => by === 'website');
  return {
    serverName: server.serverName.text,
    verdict: writeVerdict({ server, delegation, ways, todo }),
    delegation,
    ways,
    documents,
    dns: records,
    certificates: certificates.map((one, index) => describeCertificate(one, proofsOf[index]!, deployment)),
    homeserver,
    website: listSnippets({
      host: server.serverName.host,
      documents: elsewhere.map(({ name, body }) => ({ path: `/.well-known/matrix/${name}`, body })),
      sidecar,
    }),
    todo,
  };
}

/** Only a CA has names proved to it. */
function proveAll(
  { names, source }: AdvisedCertificate,
  server: AdvisedServer,
  { acme, ports }: Deployment,
): readonly ProofDecision[] {
  if (source.kind !== 'acme') return [];
  const { serverName, apex, delegateTo } = server;
  // Whatever else leads to it: ports 80 and 443 of an apex elsewhere belong to its web server.
  const isElsewhere = (name: string): boolean =>
    apex === 'elsewhere' && serverName.kind === 'dns' && name === serverName.host;
  return names.map(({ name }) =>
    decideProof({
      name,
      leadsHere: !isElsewhere(name),
      ourHost: delegateTo?.kind === 'dns' ? delegateTo.host : undefined,
      listeners: { https: ports.https.length > 0, http: ports.http.length > 0 },
      acme,
    }),
  );
}

/** Where the sidecar publishes the documents of a server whose apex is elsewhere: on the host that it is delegated to. */
function locateSidecar({ delegateTo, apex }: AdvisedServer, httpsPorts: readonly number[]): string | undefined {
  if (apex === 'here' || delegateTo === undefined) return undefined;
  const { host, port } = delegateTo;
  const own = port !== undefined && port !== HTTPS && httpsPorts.includes(port) ? `:${port}` : '';
  return `https://${bracket(host)}${own}`;
}
