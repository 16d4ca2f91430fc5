import type { AcmeFacts, AdvisedServer, Deployment } from '../../src/advise/advised-server.ts';
import { readServer } from '../app/test-config.ts';

/** A server of a configuration; `keys` in the flow style of YAML. */
export function advised(serverName: string, keys = ''): AdvisedServer {
  return readServer(serverName, keys);
}

/** The ports of a sidecar that was told nothing about them. */
export const USUAL: Deployment['ports'] = { https: [443], federation: [8448], http: [80] };

/** Let's Encrypt without an account yet, and with the usual challenges. */
export const ACME: AcmeFacts = {
  ca: "Let's Encrypt",
  issuer: 'letsencrypt.org',
  challenges: ['tls-alpn-01', 'http-01'],
  accountUrl: undefined,
  dns: undefined,
};
