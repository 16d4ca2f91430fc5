import { createHash } from 'node:crypto';
import { connect } from 'node:tls';
import { fetchHttpChallenge, type ScriptedProblem, type ValidationFacts } from './scripted-rules.ts';

/** id-pe-acmeIdentifier, RFC 8737 section 6.1, as it stands in a certificate. */
const ACME_IDENTIFIER = Buffer.from('06082b0601050507011f', 'hex');

/** Where a CA finds the names that it validates: a sidecar's ports on 127.0.0.1. */
export interface ValidatedAt {
  readonly http: number;
  readonly https: number;
}

/** What a CA does for http-01 and tls-alpn-01, for any name at these ports; other types are refused. */
export async function validateChallenge(facts: ValidationFacts, at: ValidatedAt): Promise<ScriptedProblem | undefined> {
  if (facts.type === 'http-01') return fetchHttpChallenge(facts, at.http);
  if (facts.type === 'tls-alpn-01') return meetTlsAlpn(facts, at.https);
  return { type: 'malformed', detail: `${facts.type} is not validated here` };
}

/** RFC 8737 section 3, as far as it can be done on one machine. */
function meetTlsAlpn({ name, keyAuthorization }: ValidationFacts, port: number): Promise<ScriptedProblem | undefined> {
  const failed = (detail: string): ScriptedProblem => ({ type: 'unauthorized', detail: `${name}: ${detail}` });
  return new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: name,
      ALPNProtocols: ['acme-tls/1'],
      rejectUnauthorized: false,
    });
    socket.once('error', (error) => resolve(failed(error.message)));
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      const { alpnProtocol } = socket;
      socket.destroy();
      if (alpnProtocol !== 'acme-tls/1') return resolve(failed(`it speaks ${alpnProtocol || 'nothing by ALPN'}`));
      if (certificate?.subjectAltName !== `DNS:${name}`) return resolve(failed(`names ${certificate?.subjectAltName}`));
      const digest = createHash('sha256').update(keyAuthorization).digest();
      const proves = certificate.raw.includes(ACME_IDENTIFIER) && certificate.raw.includes(digest);
      resolve(proves ? undefined : failed('the certificate does not hold the key authorization'));
    });
  });
}
