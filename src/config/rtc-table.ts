import { dnsName } from './network-values.ts';
import { optionalKey, optionalSection, requiredKey } from './table-shape.ts';
import { upstreamPool } from './values.ts';

/** `servers[].rtc`: calls. */
export const rtcSection = optionalSection(
  'Calls (MatrixRTC, Element Call): the services beside the homeserver. Clients find them by `org.matrix.msc4143.rtc_foci` of the client document, which is derived.',
  {
    jwt: requiredKey(upstreamPool, {
      says: 'lk-jwt-service, which lets Matrix users into calls. Clients reach it below /livekit/jwt. One place or a list, as for `homeserver`.',
      example: 'http://lk-jwt:8080',
      several: true,
    }),
    sfu: requiredKey(upstreamPool, {
      says: "LiveKit's HTTP port, for WebSockets and its API; media goes past the sidecar. Clients reach it below /livekit/sfu, so LIVEKIT_URL of lk-jwt-service is wss://HOST/livekit/sfu. One place or a list.",
      example: 'http://livekit:7880',
      several: true,
    }),
    host: optionalKey(dnsName, {
      says: 'A host name of its own for the two, with a certificate (by ACME one of its own; a file has to have the name as well): the paths of both are at its root too.',
      example: 'rtc.example.com',
      otherwise: 'they are on the host that clients use, below /livekit/',
    }),
  },
);
