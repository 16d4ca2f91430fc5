import type { Finding } from '../base/finding.ts';
import { parseServerName } from '../matrix/server-name.ts';
import type { FoundServer } from './find-servers.ts';
import type { Hosts } from './hosts.ts';
import { WELL_KNOWN } from './matrix-paths.ts';
import { type FoundDocument, readDocument } from './read-document.ts';
import type { AnswerHeaders, Outcome } from './site.ts';

const DONE = 'The sidecar publishes it as it has to be; nothing is to be done.';

/** What goes wrong with the documents under /.well-known/matrix/. */
export function lintDocuments(hosts: Hosts, servers: readonly FoundServer[]): readonly Finding[] {
  const findings: Finding[] = [];
  const asked = new Set(
    servers.flatMap((server) => [server.name, ...(server.delegateTo === undefined ? [] : [server.delegateTo.host])]),
  );
  for (const host of [...asked, ...hosts.names.filter((name) => !asked.has(name))]) {
    for (const name of ['server', 'client']) {
      const document = readDocument(hosts, host, name);
      // Of a site that has nothing to do with Matrix, only what it says itself counts.
      const said = document?.first === document?.last && ['document', 'broken'].includes(document?.outcome.kind ?? '');
      const own = asked.has(host) || said;
      if (document !== undefined && own) findings.push(...lintDocument(hosts, document));
    }
  }
  return findings;
}

function lintDocument(hosts: Hosts, document: FoundDocument): readonly Finding[] {
  const { first, last, outcome, name, host } = document;
  const path = `${host}${WELL_KNOWN}${name}`;
  const place = last.place;
  switch (outcome.kind) {
    case 'proxied':
      return [
        {
          id: 'import-document-proxied',
          severity: 'info',
          place,
          what: `https://${path} is answered by what is behind this proxy.`,
          fix: 'The sidecar publishes the documents itself; if Synapse has extra_well_known_client_content, write that under well_known.',
        },
      ];
    case 'elsewhere':
      return [
        ...lintRedirect(first, path),
        {
          id: 'import-document-elsewhere',
          severity: 'warning',
          place,
          what: `https://${path} leads to ${outcome.url}, which could not be read from here.`,
          fix: 'Look what it says, and write what the sidecar would not say by itself under well_known.',
        },
      ];
    case 'unread':
      return [
        {
          id: 'import-document-unread',
          severity: 'warning',
          place,
          what: `https://${path} ${describeUnread(last)}.`,
          fix: 'Run the command where the file is, or compare what it says with what advise prints for this configuration.',
        },
      ];
    case 'broken':
      return [
        {
          id: 'import-well-known-broken',
          severity: 'error',
          place,
          what: `https://${path} cannot be used: ${outcome.why}.`,
          fix: `The sidecar publishes one that follows from its configuration; compare it with what advise prints.`,
        },
      ];
    case 'document':
      return [...lintRedirect(first, path), ...lintHeaders(last, path, name), ...lintContent(hosts, document, path)];
  }
}

function describeUnread(outcome: Outcome): string {
  if (outcome.do === 'other') return `is answered by ${outcome.what}, which cannot be told from here`;
  const where = outcome.do === 'files' && outcome.folder !== undefined ? ` in ${outcome.folder}` : '';
  return `may be a file${where}, which is not here`;
}

function lintRedirect(first: Outcome, path: string): readonly Finding[] {
  if (first.do !== 'redirect') return [];
  const { place, status, headers } = first;
  const findings: Finding[] = [];
  if (status === 308) {
    findings.push({
      id: 'import-well-known-308',
      severity: 'error',
      place,
      what: `https://${path} is redirected with status 308, which Synapse and some clients do not follow.`,
      fix: DONE,
    });
  }
  if (!allowsAll(headers)) {
    findings.push({
      id: 'import-redirect-without-cors',
      severity: 'warning',
      place,
      what: `https://${path} is redirected without Access-Control-Allow-Origin on the redirect, at which browsers stop.`,
      fix: DONE,
    });
  }
  return findings;
}

function lintHeaders(last: Outcome, path: string, name: string): readonly Finding[] {
  if (last.do !== 'answer') return [];
  const { headers, place } = last;
  const findings: Finding[] = [];
  if (name === 'client' && !allowsAll(headers)) {
    findings.push({
      id: 'import-well-known-no-cors',
      severity: 'error',
      place,
      what: `https://${path} has no Access-Control-Allow-Origin: *, so that clients in a browser cannot read it.`,
      fix: DONE,
    });
  }
  const types = headers.contentTypes;
  if (types.length !== 1 || !/^application\/json\s*(;|$)/i.test(types[0]!)) {
    const sent =
      types.length > 1 ? `${types.length} Content-Types (${types.join(' and ')})` : `the Content-Type ${types[0]}`;
    findings.push({
      id: 'import-well-known-type',
      severity: 'warning',
      place,
      what: `https://${path} has ${sent} instead of application/json.`,
      fix: DONE,
    });
  }
  return findings;
}

function allowsAll({ allowOrigin }: AnswerHeaders): boolean {
  return allowOrigin.length === 1 && allowOrigin[0] === '*';
}

function lintContent(hosts: Hosts, { name, outcome, last }: FoundDocument, path: string): readonly Finding[] {
  const { place } = last;
  if (outcome.kind !== 'document' || name !== 'server') return [];
  const written = outcome.json['m.server'];
  const broken = (why: string): Finding => ({
    id: 'import-well-known-broken',
    severity: 'error',
    place,
    what: `https://${path} cannot be used: ${why}.`,
    fix: 'Write where other servers should go as delegate_to.',
  });
  if (typeof written !== 'string') return [broken('it has no m.server')];
  const parsed = parseServerName(written);
  if (!parsed.ok) return [broken(`m.server: ${parsed.why}`)];
  const { host, port } = parsed.value;
  if (port !== undefined || parsed.value.kind !== 'dns') return [];
  if (hosts.ports(host, true).includes(8448)) return [];
  const what = `m.server is ${written}, without a port: other servers then look for SRV records of it, else go to port 8448, and nothing listens there.`;
  const fix = `The sidecar listens on 8448; or write delegate_to: ${written}:443, and other servers come by 443.`;
  return [{ id: 'import-well-known-no-port', severity: 'error', place, what, fix }];
}
