import { quote } from './key-path.ts';
import type { RuleInput } from './server-rules.ts';

/** Requests for calls are told from others by their host, where they have one of their own: it leads to one place. */
export function checkRtcHosts({ draft, report }: RuleInput): void {
  const servers = draft.servers ?? [];
  const first = new Map<string, { readonly places: string; readonly index: number }>();
  servers.forEach((server, index) => {
    const { host, jwt, sfu } = server?.rtc ?? {};
    if (host === undefined) return;
    const at = { path: ['servers', index, 'rtc', 'host'], at: 'value' } as const;
    const owner = servers.find((other) => other?.server_name?.host === host || other?.delegate_to?.host === host);
    if (owner !== undefined) {
      const what = `at ${quote(host)}, the homeserver of ${owner.server_name?.text ?? host} answers`;
      const fix = 'Remove host, for the paths below /livekit/ there, or give the services a name of their own';
      report({ ...at, what, fix });
      return;
    }
    const places = `${jwt?.text ?? ''} and ${sfu?.text ?? ''}`;
    const there = first.get(host);
    if (there === undefined) first.set(host, { places, index });
    else if (there.places !== places) {
      const what = `${quote(host)} already leads to the services of servers[${there.index}], ${there.places}`;
      report({ ...at, what, fix: 'Give these services a name of their own, or write the same places in both' });
    }
  });
}
