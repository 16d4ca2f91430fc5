import type { Finding } from '../base/finding.ts';
import { isExactName } from './hosts.ts';
import type { Place } from './place.ts';
import type { ImportHints, ImportPlan } from './plan-import.ts';
import { entry, writeYaml, type YamlEntry } from './yaml-entry.ts';

/** Certificates without a configuration that uses them. */
export interface CertificateSources {
  readonly program: string;
  readonly sources: readonly { readonly place: Place; readonly names: readonly string[] }[];
  readonly sections: readonly YamlEntry[];
  readonly findings: readonly Finding[];
}

const MATRIX = /^(matrix|synapse|m|hs|homeserver|chat)\.(?=[^.]+\.)/;
const USUAL = 'http://127.0.0.1:8008';

/**
 * A configuration for the names that certificates are for: `matrix.example.com` is taken for where example.com is delegated
 * to. What a certificate cannot say, the homeserver, is to be filled in. Pure.
 */
export function planCertificatesAlone(facts: CertificateSources, hints: ImportHints): ImportPlan {
  const findings = [...facts.findings];
  const named = facts.sources.flatMap(({ place, names }) => names.filter(isExactName).map((name) => ({ place, name })));
  const servers = chooseServers(named, hints.serverName);
  if (servers.length === 0) {
    const hint = facts.sources.map(({ names }) => names.slice(0, 3).join(' ')).filter((text) => text !== '');
    findings.push({
      id: 'import-name-unknown',
      severity: 'error',
      what: `The certificates here (${hint.slice(0, 8).join('; ') || 'none that can be read'}) do not tell which server name is that of the homeserver.`,
      fix: 'Run this again with --server-name.',
    });
    return { yaml: undefined, findings, carry: [] };
  }
  if (hints.homeserver === undefined) {
    findings.push({
      id: 'import-homeserver-unknown',
      severity: 'warning',
      what: `Certificates do not say where the homeserver listens; ${USUAL} stands in its place.`,
      fix: 'Correct it in the YAML, or run this again with --homeserver; import nginx or import caddy read it from their configuration.',
    });
  }
  const written = servers.map(({ name, delegateTo, place, apexHere }) => ({
    above: [],
    entries: [
      entry('server_name', name, place),
      entry(
        'homeserver',
        hints.homeserver?.text ?? USUAL,
        hints.homeserver === undefined ? 'certificates do not say this' : 'from --homeserver',
      ),
      ...(delegateTo === undefined ? [] : [entry('delegate_to', `${delegateTo}:443`, place)]),
      ...(delegateTo === undefined || apexHere
        ? []
        : [entry('apex', 'elsewhere', `no certificate here is for ${name}`)]),
    ],
  }));
  const head = [`Made by matrix-sidecar import from the certificates of ${facts.program}.`];
  const store = hints.store === undefined ? [] : [entry('store', hints.store, undefined)];
  return { yaml: writeYaml(head, written, [...facts.sections, ...store]), findings, carry: [] };
}

interface NamedServer {
  readonly name: string;
  readonly delegateTo: string | undefined;
  readonly place: Place | undefined;
  readonly apexHere: boolean;
}

function chooseServers(
  named: readonly { place: Place; name: string }[],
  serverName: string | undefined,
): readonly NamedServer[] {
  const names = new Map(named.map(({ name, place }) => [name, place]));
  if (serverName !== undefined) {
    const below = [...names.keys()].find((name) => MATRIX.test(name) && name.replace(MATRIX, '') === serverName);
    return [
      { name: serverName, delegateTo: below, place: names.get(below ?? serverName), apexHere: names.has(serverName) },
    ];
  }
  const delegated = [...names].filter(([name]) => MATRIX.test(name));
  if (delegated.length > 0) {
    const servers = new Map(delegated.map(([name, place]) => [name.replace(MATRIX, ''), { name, place }]));
    return [...servers].map(([parent, { name, place }]) => ({
      name: parent,
      delegateTo: name,
      place,
      apexHere: names.has(parent),
    }));
  }
  const bases = [...names].filter(([name]) => !name.startsWith('www.'));
  return bases.length === 1 ? [{ name: bases[0]![0], delegateTo: undefined, place: bases[0]![1], apexHere: true }] : [];
}
