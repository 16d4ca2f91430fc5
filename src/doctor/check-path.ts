import { formatHostPort } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import { quoteStranger } from '../base/quote-stranger.ts';
import { type Reached, reachRow } from './check-reach.ts';
import type { PublicPlace } from './deployment.ts';
import type { DoctorDeps } from './doctor-deps.ts';
import type { Row, Seen } from './row.ts';
import type { ProbePlace } from './self-probe.ts';

/** What proxies have been seen to rewrite or refuse; Matrix signs every one of these bytes. */
const ODDITIES: readonly { readonly what: string; readonly rest: string }[] = [
  { what: 'an encoded slash (%2F)', rest: '/a%2Fb' },
  { what: 'an encoded slash in lower case (%2f)', rest: '/a%2fb' },
  { what: 'an empty segment (//)', rest: '/a//b' },
  { what: 'an encoded exclamation mark (%21)', rest: '/%21a' },
  { what: "an apostrophe (')", rest: "/'a'" },
  { what: 'an encoded # (%23)', rest: '/%23a' },
  { what: 'an encoded ? (%3F)', rest: '/a%3Fb' },
  { what: 'an encoded letter (%41)', rest: '/%41' },
  { what: 'encoded dots (%2E%2E)', rest: '/a/%2E%2E/b' },
  { what: '$, : and @ as they are', rest: '/$a:b@c' },
  { what: 'a slash at the end', rest: '/a/' },
  { what: 'an encoded slash in the query', rest: '/a?b=%2F&c=&d' },
];
const ALL = `${ODDITIES.filter(({ rest }) => !rest.includes('?'))
  .map(({ rest }) => rest)
  .join('')}?b=%2F&c=&d`;

/** Whether what is sent to a public name arrives as it was sent: somebody in between may rewrite it. */
export function checkPath(place: PublicPlace, reached: Reached, { probe }: DoctorDeps): Row {
  const { host, port } = place;
  const text = formatHostPort(host, port);
  return {
    id: `path:${text}`,
    title: `What is sent to ${text} arrives byte for byte`,
    needs: [reachRow(place)],
    hint: 'Look at what stands between the internet and the sidecar: a CDN, a load balancer, another proxy.',
    run: async (signal) => {
      const at = reached.get(text);
      if (at === undefined)
        return { seen: '', findings: [], notChecked: 'this machine cannot reach itself by that name' };
      const whole = await probe.ask(at, ALL, signal);
      if (whole.kind === 'ours' && whole.answer.target === whole.sent)
        return {
          seen: `${ALL.length} odd bytes came back as they were sent`,
          findings: describeProxy(whole.answer.proxies, text),
        };
      return findCulprits(at, text, { probe }, signal);
    },
  };
}

/** Each oddity alone, to say which of them it is. */
async function findCulprits(
  at: ProbePlace,
  text: string,
  { probe }: Pick<DoctorDeps, 'probe'>,
  signal: AbortSignal,
): Promise<Seen> {
  const each = ODDITIES.map(async ({ what, rest }): Promise<string | undefined> => {
    const outcome = await probe.ask(at, rest, signal);
    if (outcome.kind === 'failed') return `${what}: ${outcome.words}`;
    if (outcome.kind === 'foreign') return `${what} is refused with ${outcome.words}`;
    if (outcome.answer.target === outcome.sent) return undefined;
    return `${what} arrives as ${quoteStranger(outcome.answer.target.slice(-rest.length - 10))}`;
  });
  const changed = (await Promise.all(each)).filter((one) => one !== undefined);
  const seen = changed.length === 0 ? 'only all oddities together are changed' : changed.join('; ');
  const what = `Something between the internet and the sidecar changes requests to ${text}: ${changed[0] ?? seen}.`;
  const fix =
    'Let what is in between pass connections on without ending TLS (TCP, "DNS only"), or switch off what it does to paths; every signature over such a path fails.';
  return { seen, findings: [{ id: 'path-rewritten', severity: 'error', what, fix }] };
}

function describeProxy(proxies: readonly string[], text: string): Finding[] {
  if (proxies.length === 0) return [];
  const what = `A proxy stands before the sidecar at ${text}: requests arrive with ${proxies.join(', ')}.`;
  const fix =
    'If the proxy is yours, name its addresses in routes.trusted_proxies, so that clients keep their own addresses.';
  const lines = ['routes:', '  trusted_proxies: [192.0.2.1]'];
  return [{ id: 'proxy-in-front', severity: 'info', what, fix, lines }];
}
