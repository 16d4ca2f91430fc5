import { quote } from './key-path.ts';
import type { RuleInput } from './server-rules.ts';
import type { ConfigDraft } from './table.ts';

type Challenge = NonNullable<NonNullable<ConfigDraft['acme']>['challenges']>[number];
type Listen = NonNullable<ConfigDraft['listen']>;

/** RFC 8737: port 443. RFC 8555, 8.3: port 80. Challenges of the DNS need none. */
const LISTENER_OF: { readonly [C in Challenge]?: 'https' | 'http' } = { 'tls-alpn-01': 'https', 'http-01': 'http' };
const OWN_CERTIFICATES = 'bring your own certificates (certificates: files)';

/** Rules about the challenges: what each of them needs, and that one of them can be met for every name. */
export function checkChallenges(input: RuleInput): void {
  const { draft, source, report } = input;
  const challenges = draft.acme?.challenges;
  if (challenges === undefined) return;
  if (challenges.includes('dns-01') && !source.has(['acme', 'dns'])) {
    const what = 'dns-01 needs acme.dns, which says who writes its records';
    const fix =
      'Add dns: { provider: cloudflare, api_token_file: FILE } (or another provider) under acme, or remove dns-01';
    report({ path: ['acme', 'challenges'], at: 'value', what, fix });
  }
  const { listen } = draft;
  // With both TLS listeners off, that is the problem, and it is reported elsewhere.
  if (listen === undefined || (listen.https?.length === 0 && listen.federation?.length === 0)) return;
  const possible = challenges.filter((challenge) => !isClosed(challenge, listen));
  if (possible.length === 0) reportClosed(input, challenges);
  else if (possible.every((challenge) => LISTENER_OF[challenge] === undefined)) checkAddresses(input);
}

function isClosed(challenge: Challenge, listen: Listen): boolean {
  const listener = LISTENER_OF[challenge];
  return listener !== undefined && listen[listener]?.length === 0;
}

function reportClosed({ source, report }: RuleInput, challenges: readonly Challenge[]): void {
  const listeners = challenges.map((challenge) => ['listen', LISTENER_OF[challenge] ?? '']);
  const needs = challenges.map(
    (challenge, index) => `${challenge} needs ${source.place(listeners[index]!, 'key').key}`,
  );
  const what = `${needs.join(' and ')}, which ${needs.length > 1 ? 'are' : 'is'} off, so no certificate could be got`;
  const other = needs.length > 1 ? 'one of them' : 'that listener, or allow another challenge';
  const written = ['acme', 'challenges'];
  const path = source.has(written) ? written : listeners[0]!;
  report({ path, at: 'value', what, fix: `Open ${other}, or ${OWN_CERTIFICATES}` });
}

/** RFC 8738, section 7: no challenge of the DNS proves an address. */
function checkAddresses({ draft, source, report }: RuleInput): void {
  (draft.servers ?? []).forEach((server, index) => {
    if (server === undefined || source.has(['servers', index, 'certificate'])) return;
    for (const key of ['server_name', 'delegate_to'] as const) {
      const name = server[key];
      if (name === undefined || name.kind === 'dns') continue;
      const what = `${quote(name.text)} is an IP address, and only tls-alpn-01 and http-01 prove one, which acme.challenges does not allow or whose listeners are off`;
      const fix =
        'Allow one of them and open its listener, or give this server its own certificate: { cert: FILE, key: FILE }';
      report({ path: ['servers', index, key], at: 'value', what, fix });
    }
  });
}
