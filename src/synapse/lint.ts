import type { Finding } from '../base/finding.ts';
import type { HomeserverYaml, HomeserverYamlReading } from './homeserver-yaml.ts';
import { lintFederation } from './lint-federation.ts';
import { lintListener, lintPrivateListeners } from './lint-listener.ts';
import { lintNames } from './lint-names.ts';
import { lintRtc } from './lint-rtc.ts';
import { lintWorkers } from './lint-workers.ts';
import type { SidecarFacts } from './sidecar-facts.ts';
import { writeSynapseSize } from './size.ts';

const WEIGHT = { error: 0, warning: 1, info: 2 };

/**
 * Everything in Synapse's configuration that does not fit the sidecar in front of it, the worst first; empty when all
 * is well. Pure.
 */
export function lintHomeserver(reading: HomeserverYamlReading, facts: SidecarFacts): readonly Finding[] {
  const { yaml } = reading;
  const refused = reading.problems.map(({ place, what, fix }): Finding => {
    const where = place.line === undefined ? place.file : `${place.file}, line ${place.line}`;
    return { id: 'synapse-yaml', severity: 'error', place, what: `${where}: ${what}.`, fix: `${fix}.` };
  });
  const findings = yaml === undefined ? refused : [...refused, ...lintYaml(yaml, facts)];
  return findings.toSorted((a, b) => WEIGHT[a.severity] - WEIGHT[b.severity]);
}

function lintYaml(yaml: HomeserverYaml, facts: SidecarFacts): Finding[] {
  return [
    ...lintNames(yaml, facts),
    ...lintListener(yaml, facts),
    ...lintPrivateListeners(yaml, facts),
    ...lintUpload(yaml, facts),
    ...lintFederation(yaml, facts),
    ...lintWorkers(yaml, facts),
    ...lintAuthentication(yaml, facts),
    ...lintRtc(yaml, facts),
  ];
}

/** Who answers logins: both have to mean the same. */
function lintAuthentication({ place, authenticationService }: HomeserverYaml, { mas }: SidecarFacts): Finding[] {
  const at = place(['matrix_authentication_service']);
  if (authenticationService !== undefined && mas === undefined) {
    const { endpoint } = authenticationService;
    const what =
      'Synapse leaves logins to an authentication service, and the sidecar sends them to Synapse, which has none.';
    const fix = 'Name the service in the configuration of the sidecar, by its listener with the resource compat.';
    const lines = [
      `    mas: ${endpoint !== undefined && URL.canParse(endpoint) ? new URL(endpoint).origin : 'http://mas:8080'}`,
    ];
    return [{ id: 'synapse-mas-unrouted', severity: 'error', place: at, what, fix, lines }];
  }
  if (authenticationService === undefined && mas !== undefined) {
    const what = `The sidecar sends logins to ${mas.text}, and Synapse logs people in itself: it would refuse their tokens.`;
    const fix = "Enable matrix_authentication_service in Synapse's configuration, or take mas out of the sidecar's.";
    return [{ id: 'synapse-mas-off', severity: 'error', place: at, what, fix }];
  }
  return [];
}

function lintUpload(yaml: HomeserverYaml, { uploadLimit }: SidecarFacts): Finding[] {
  if (yaml.maxUploadSize <= uploadLimit) return [];
  return [
    {
      id: 'synapse-upload-limit',
      severity: 'warning',
      place: yaml.place(['max_upload_size']),
      what: `Synapse tells clients that uploads may have ${writeSynapseSize(yaml.maxUploadSize)}, and the sidecar refuses those over ${writeSynapseSize(uploadLimit)}.`,
      fix: 'Raise limits.upload in the configuration of the sidecar.',
      lines: ['limits:', `  upload: ${writeSidecarSize(yaml.maxUploadSize)}`],
    },
  ];
}

/** The sidecar's own sizes have no T. */
function writeSidecarSize(bytes: number): string {
  const text = writeSynapseSize(bytes);
  return text.endsWith('T') ? `${Number(text.slice(0, -1)) * 1024}G` : text;
}
