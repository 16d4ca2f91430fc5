import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { describeError } from '../base/errors.ts';
import type { System } from '../base/system.ts';

/** Milliseconds for the handshake with ourselves. */
const PATIENCE = 5_000;

/**
 * Connects to one of our own TLS listeners as a client would and compares what is served with what should be. Resolves
 * with a sentence on what is wrong, or with undefined. Never rejects. `wantsProxyHeader`: connections from this machine
 * have to begin with a PROXY protocol header there.
 */
export function checkServedCertificate(
  at: { readonly host: string; readonly port: number; readonly wantsProxyHeader?: boolean },
  name: string,
  fingerprint256: string,
  { system }: { readonly system: System },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const raw = system.dial({ kind: 'tcp', host: at.host, port: at.port });
    // As proxies do for their own health checks (proxy-protocol.txt, section 2.1).
    if (at.wantsProxyHeader === true) raw.write('PROXY UNKNOWN\r\n');
    // Nothing is trusted here: the fingerprint is the whole question.
    const socket = connect({
      socket: raw,
      rejectUnauthorized: false,
      ...(isIP(name) === 0 ? { servername: name } : {}),
    });
    const finish = (wrong: string | undefined): void => {
      timer.cancel();
      socket.destroy();
      raw.destroy();
      resolve(wrong);
    };
    const where = `${at.host} port ${at.port}`;
    const timer = system.setTimer(PATIENCE, () =>
      finish(`The sidecar does not answer itself at ${where} within ${PATIENCE / 1000} s.`),
    );
    raw.on('error', (error) => finish(`The sidecar cannot connect to itself at ${where}: ${describeError(error)}`));
    socket.on('error', (error) => finish(`The sidecar cannot connect to itself at ${where}: ${describeError(error)}`));
    socket.once('secureConnect', () => {
      const served = socket.getPeerX509Certificate()?.fingerprint256;
      finish(
        served === fingerprint256
          ? undefined
          : `For ${name} another certificate is served at ${where} than the one that is stored.`,
      );
    });
  });
}
