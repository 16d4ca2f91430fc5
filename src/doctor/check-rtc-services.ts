import type { Upstream } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import type { System } from '../base/system.ts';
import { askPlain, type PlainAnswer } from './ask-plain.ts';
import type { DeployedServer } from './deployment.ts';
import { describeAnswer } from './describe-plain.ts';
import { countAllowed, isMediaServer, isTokenService, ORIGIN, TOKEN_REQUEST, WEBSOCKET_OFFER } from './judge-rtc.ts';
import type { Row, Seen } from './row.ts';

export function rtcRow(kind: 'jwt' | 'sfu', { name }: Pick<DeployedServer, 'name'>): string {
  return `rtc-${kind}:${name.text}`;
}

/** Whether the two services for calls answer, asked themselves; no row where there are none. */
export function checkRtcServices(server: DeployedServer, { system }: { readonly system: System }): readonly Row[] {
  const { name, rtc } = server;
  if (rtc === undefined) return [];
  const idOf = (kind: 'jwt' | 'sfu', index: number): string =>
    `${rtcRow(kind, server)}${index === 0 ? '' : `#${index + 1}`}`;
  return [
    ...rtc.jwt.instances.map(
      (place, index): Row => ({
        id: idOf('jwt', index),
        title: `lk-jwt-service of ${name.text} answers at ${place.text}`,
        needs: [],
        hint: `Check rtc.jwt: ${place.text} in the configuration, and the log of the service.`,
        run: (signal) => lookAtTokens(place, { system, signal }),
      }),
    ),
    ...rtc.sfu.instances.map(
      (place, index): Row => ({
        id: idOf('sfu', index),
        title: `LiveKit of ${name.text} answers at ${place.text}, and takes WebSockets`,
        needs: [],
        hint: `Check rtc.sfu: ${place.text} in the configuration, and the log of LiveKit.`,
        run: (signal) => lookAtMedia(place, { system, signal }),
      }),
    ),
  ];
}

type Asking = { readonly system: System; readonly signal: AbortSignal };

async function lookAtTokens(place: Upstream, asking: Asking): Promise<Seen> {
  const answer = await askPlain(place, TOKEN_REQUEST.path, { ...asking, ...TOKEN_REQUEST });
  const seen = describeAnswer(answer);
  if (!answer.ok) {
    const what = `lk-jwt-service does not answer at ${place.text}: ${answer.words}. Nobody gets into a call.`;
    const fix = 'Start it, or correct rtc.jwt in the configuration of the sidecar.';
    return { seen, findings: [{ id: 'rtc-jwt-unreachable', severity: 'error', what, fix }] };
  }
  const allowed = countHeaders(answer);
  if (isTokenService({ ...answer, allowed })) return { seen, findings: judgeAllowed(place, allowed, 'lk-jwt-service') };
  const what = `What answers at ${place.text} is no lk-jwt-service: ${seen} to POST ${TOKEN_REQUEST.path}, in place of a Matrix error.`;
  const fix =
    'Write its own port to rtc.jwt (LIVEKIT_JWT_BIND of the service, 8080 where nothing is set), without a proxy between.';
  return { seen, findings: [{ id: 'rtc-jwt-foreign', severity: 'error', what, fix }] };
}

async function lookAtMedia(place: Upstream, asking: Asking): Promise<Seen> {
  const root = await askPlain(place, '/', { ...asking, headers: { Origin: ORIGIN } });
  if (!root.ok) {
    const what = `LiveKit does not answer at ${place.text}: ${root.words}. There are no calls.`;
    const fix = 'Start it, or correct rtc.sfu in the configuration of the sidecar.';
    return { seen: root.words, findings: [{ id: 'rtc-sfu-unreachable', severity: 'error', what, fix }] };
  }
  // pkg/service/server.go, healthCheck: its statistics are older than four seconds.
  if (root.status === 406) {
    const what = `LiveKit at ${place.text} says that it is not ready: ${describeAnswer(root)}.`;
    const fix = 'Look at its log: it has just started, or cannot reach its Redis.';
    return { seen: describeAnswer(root), findings: [{ id: 'rtc-sfu-not-ready', severity: 'error', what, fix }] };
  }
  const offer = await askPlain(place, WEBSOCKET_OFFER.path, { ...asking, ...WEBSOCKET_OFFER });
  const seen = `${describeAnswer(root)}, and ${offer.ok ? offer.status : offer.words} to a WebSocket without a token`;
  if (offer.ok && isMediaServer(offer)) return { seen, findings: judgeAllowed(place, countHeaders(root), 'LiveKit') };
  const what = `What answers at ${place.text} is no LiveKit: ${describeAnswer(offer)} to the offer of a WebSocket at ${WEBSOCKET_OFFER.path}, in place of 401.`;
  const fix =
    'Write its own port to rtc.sfu (port in livekit.yaml, 7880 where nothing is set), without a proxy between; 7881 and UDP are for media.';
  return { seen, findings: [{ id: 'rtc-sfu-foreign', severity: 'error', what, fix }] };
}

function judgeAllowed(place: Upstream, allowed: number, who: string): readonly Finding[] {
  if (allowed === 1) return [];
  const times = allowed === 0 ? 'no' : `${allowed} times`;
  const what = `${who} at ${place.text} answers with ${times} Access-Control-Allow-Origin: browsers refuse that.`;
  const fix = 'It sends the header once itself. Take away the proxy between, or what that adds or removes.';
  return [{ id: 'rtc-cors', severity: 'error', what, fix }];
}

function countHeaders({ headers }: PlainAnswer & { readonly ok: true }): number {
  const values = headers['access-control-allow-origin'];
  return values === undefined ? 0 : countAllowed(Array.isArray(values) ? values : [values]);
}
