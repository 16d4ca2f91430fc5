import type { Finding } from '../base/finding.ts';
import { leadsToTokens } from '../matrix/rtc-paths.ts';
import type { HomeserverYaml } from './homeserver-yaml.ts';
import type { SidecarFacts } from './sidecar-facts.ts';

/** What calls need of Synapse, where the sidecar has services for them (Element Call's self-hosting guide; synapse/config/matrixrtc.py). */
export function lintRtc({ place, calls }: HomeserverYaml, { rtc }: Pick<SidecarFacts, 'rtc'>): Finding[] {
  if (rtc === undefined) return [];
  const findings: Finding[] = [];
  const lines = ['matrix_rtc:', `  transports: [{ type: livekit, livekit_service_url: ${rtc.url} }]`];
  if (!calls.announces || calls.serviceUrls.length === 0) {
    findings.push({
      id: 'synapse-rtc-transports',
      severity: 'warning',
      place: place(['matrix_rtc']),
      what: 'Newer apps ask Synapse where the services for calls are, and it does not say it: they have the client document alone.',
      fix: "Add this to Synapse's configuration.",
      lines: ['experimental_features: { msc4143_enabled: true }', ...lines],
    });
  } else if (!calls.serviceUrls.some((url) => leadsToTokens(url, rtc.url, rtc.ownHost))) {
    findings.push({
      id: 'synapse-rtc-differs',
      severity: 'warning',
      place: place(['matrix_rtc']),
      what: `Synapse sends those who call elsewhere than the sidecar's client document, which has ${rtc.url}.`,
      fix: 'Let both name the same service.',
      lines,
    });
  }
  if (!calls.delaysEvents) {
    findings.push({
      id: 'synapse-rtc-delayed-events',
      severity: 'warning',
      place: place(['max_event_delay_duration']),
      what: 'Synapse takes no delayed events (MSC4140): whoever loses the connection stays in the call for everybody else.',
      fix: "Add this to Synapse's configuration.",
      lines: ['max_event_delay_duration: 24h'],
    });
  }
  return findings;
}
