import { formatHostPort } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import type { HttpsOutcome } from '../base/https-exchange.ts';
import { JWT_PREFIX, leadsToTokens, SFU_PREFIX } from '../matrix/rtc-paths.ts';
import type { Reached } from './check-reach.ts';
import { rtcRow } from './check-rtc-services.ts';
import { reachHere, SIDECAR_ROW } from './check-sidecar.ts';
import type { DeployedServer, Deployment } from './deployment.ts';
import { describeAnswer } from './describe-answer.ts';
import type { DoctorDeps } from './doctor-deps.ts';
import { countAllowed, isMediaServer, isTokenService, TOKEN_REQUEST, WEBSOCKET_OFFER } from './judge-rtc.ts';
import type { Row } from './row.ts';

const FOCI = 'org.matrix.msc4143.rtc_foci';
const DEADLINE = { connect: 3_000, handshake: 3_000, total: 10_000 };
const MOST_ANSWER = 32 * 1024;

type Rtc = NonNullable<DeployedServer['rtc']>;

/** Whether browsers reach both services, the whole way that is known to lead here; undefined where there are none. */
export function checkRtcWay(
  server: DeployedServer,
  { listen }: Pick<Deployment, 'listen'>,
  reached: Reached,
  { https }: Pick<DoctorDeps, 'https'>,
): Row | undefined {
  const { name, rtc } = server;
  if (rtc === undefined) return undefined;
  const { url } = rtc;
  return {
    id: `rtc:${name.text}`,
    title: `Calls of ${name.text} reach both services by ${url}/livekit/`,
    needs: [SIDECAR_ROW, rtcRow('jwt', server), rtcRow('sfu', server)],
    hint: `Look at the log of the sidecar, and try: curl -i -X POST -d '{}' ${url}${JWT_PREFIX}${TOKEN_REQUEST.path}`,
    run: async (signal) => {
      const { hostname, port } = new URL(url);
      const host = hostname.replace(/^\[(.*)\]$/, '$1');
      const publicPort = port === '' ? 443 : Number(port);
      const here = listen.https[0];
      const way = reached.get(formatHostPort(host, publicPort)) ?? (here === undefined ? undefined : reachHere(here));
      if (way === undefined) return { seen: '', findings: [], notChecked: 'listen.https is off' };
      const ask = ({ path, method, headers, body }: Asked, prefix: string): Promise<HttpsOutcome> => {
        const request = {
          ...{ address: way.address, port: way.port, certificateName: host, method, target: `${prefix}${path}` },
          host: new URL(url).host,
          headers: Object.entries(headers),
          ...(body === undefined ? {} : { body: Buffer.from(body) }),
          ...{ maxBody: MOST_ANSWER, deadline: DEADLINE },
        };
        return https.request(request, { verify: false, signal });
      };
      const token = await ask(TOKEN_REQUEST, JWT_PREFIX);
      const offer = await ask(WEBSOCKET_OFFER, SFU_PREFIX);
      const seen = `${describeAnswer(token)} to a request for a token, ${offer.ok ? offer.status : offer.words} to a WebSocket`;
      return { seen, findings: [...judgeToken(token, rtc), ...judgeOffer(offer, rtc), ...judgeDocument(server, rtc)] };
    },
  };
}

interface Asked {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const OLD = 'if rtc is new in the configuration, reload the sidecar (SIGHUP)';

function judgeToken(outcome: HttpsOutcome, { url }: Rtc): readonly Finding[] {
  const allowed = outcome.ok ? countAllowed(readAll(outcome, 'access-control-allow-origin')) : 0;
  if (!outcome.ok || !isTokenService({ ...outcome, allowed })) {
    const what = `A request for a token at ${url}${JWT_PREFIX}${TOKEN_REQUEST.path} meets ${describeAnswer(outcome)}, and lk-jwt-service itself answers well.`;
    const fix = `Let what stands before the sidecar pass ${JWT_PREFIX}/ on with its prefix; ${OLD}.`;
    return [{ id: 'rtc-not-routed', severity: 'error', what, fix }];
  }
  if (allowed === 1) return [];
  const times = allowed === 0 ? 'no' : `${allowed} times`;
  const what = `Answers at ${url}${JWT_PREFIX} come with ${times} Access-Control-Allow-Origin, and from lk-jwt-service with one: browsers refuse that.`;
  const fix = 'Let what stands before the sidecar neither add nor remove that header.';
  return [{ id: 'rtc-cors', severity: 'error', what, fix }];
}

function judgeOffer(outcome: HttpsOutcome, { url }: Rtc): readonly Finding[] {
  if (outcome.ok && isMediaServer(outcome)) return [];
  const what = `The offer of a WebSocket at ${url}${SFU_PREFIX}${WEBSOCKET_OFFER.path} meets ${describeAnswer(outcome)} in place of 401, and LiveKit itself answers well.`;
  const fix = `Let what stands before the sidecar pass WebSockets on (HTTP/1.1, with Connection and Upgrade), and ${SFU_PREFIX}/ with its prefix; ${OLD}.`;
  return [{ id: 'rtc-websocket', severity: 'error', what, fix }];
}

/** An administrator may have written other services over what is derived. */
function judgeDocument({ name, documents }: DeployedServer, { url, host }: Rtc): readonly Finding[] {
  const foci = documents['client']?.[FOCI];
  const said = Array.isArray(foci)
    ? foci.map((one: { livekit_service_url?: unknown } | null) => one?.livekit_service_url)
    : [];
  const leadsHere = said.some((one) => typeof one === 'string' && leadsToTokens(one, url, host !== undefined));
  if (leadsHere) return [];
  const what = `The client document of ${name.text} does not lead to these services: well_known.client has its own ${FOCI}.`;
  const fix = 'Take that key out of well_known.client, or rtc out of the configuration.';
  const lines = [JSON.stringify({ [FOCI]: [{ type: 'livekit', livekit_service_url: `${url}${JWT_PREFIX}` }] })];
  return [{ id: 'rtc-not-announced', severity: 'warning', what, fix, lines }];
}

function readAll({ headers }: HttpsOutcome & { readonly ok: true }, name: string): readonly string[] {
  return headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
}
