import { quote } from './key-path.ts';
import type { RuleInput } from './server-rules.ts';
import type { ServerDraft } from './table.ts';

/** Requests for calls are told from others by their host, where they have one of their own: it leads to one place. */
export function checkRtcHosts({ draft, report }: RuleInput): void {
  checkSharedAddress({ draft, report });
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

/** Below the address of clients, the services are those of the server that answers there (route/find-server.ts). */
function checkSharedAddress({ draft, report }: Pick<RuleInput, 'draft' | 'report'>): void {
  const servers = draft.servers ?? [];
  servers.forEach((server, index) => {
    const { server_name: name, delegate_to: to, rtc } = server ?? {};
    const host = (to ?? name)?.host;
    if (rtc === undefined || rtc.host !== undefined || host === undefined) return;
    const owner =
      servers.find((other) => other?.server_name?.host === host) ??
      servers.find((other) => other?.delegate_to?.host === host);
    if (owner === undefined || owner === server || isSame(owner.rtc, rtc)) return;
    const others = owner.rtc === undefined ? 'which has no rtc' : 'whose rtc is another';
    const what = `requests for the host ${host} go to ${owner.server_name?.text ?? host}, ${others}: nobody would reach these services`;
    const fix = 'Write the same rtc there, or give these services a host of their own (host: rtc.example.com)';
    report({ path: ['servers', index, 'rtc'], at: 'key', what, fix });
  });
}

function isSame(one: ServerDraft['rtc'], other: ServerDraft['rtc']): boolean {
  return one?.host === other?.host && one?.jwt?.text === other?.jwt?.text && one?.sfu?.text === other?.sfu?.text;
}
