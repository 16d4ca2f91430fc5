import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { System } from '../../base/system.ts';
import { tlsOptions } from '../../tls/tls-options.ts';
import { pause } from '../pause.ts';
import type { Solver } from '../solver.ts';
import { makeChallengeCertificate } from './challenge-certificate.ts';
import { challengeServerName } from './challenge-server-name.ts';
import {
  ANSWER_LIFETIME,
  type ChallengeStore,
  challengePrefix,
  impossible,
  removeOutdatedAnswers,
  writeAnswer,
} from './challenge-store.ts';
import { createSharedAnswers, type SharedAnswersDeps } from './shared-answers.ts';

export interface TlsAlpn01Slice {
  readonly store: ChallengeStore;
  /**
   * Milliseconds between storing the certificate and asking the CA to look, for other processes that share the port
   * or the store to hear of it. A listener has no time to look in the store when a CA is there.
   */
  readonly settle?: number;
}

const SETTLE = 2_000;

/** Meets tls-alpn-01 (RFC 8737, for addresses RFC 8738) by a certificate in the store, where every process finds it. */
export function createTlsAlpn01Solver(slice: TlsAlpn01Slice, deps: { readonly system: System }): Solver {
  const { store } = slice;
  const { system } = deps;
  return {
    type: 'tls-alpn-01',
    async present(task) {
      if (task.wildcard) throw impossible(task, 'the authorization is for a wildcard');
      const now = system.now();
      await removeOutdatedAnswers(store, 'tls-alpn-01', now);
      const serverName = challengeServerName(task.identifier);
      const { certPem, keyPem } = await makeChallengeCertificate(task.identifier, task.keyAuthorization, system);
      await writeAnswer(store, keyFor(serverName), { serverName, certPem, keyPem, until: now + ANSWER_LIFETIME });
    },
    wait: (_task, signal) => pause(system, slice.settle ?? SETTLE, signal),
    cleanUp: (task) => store.remove(keyFor(challengeServerName(task.identifier))),
  };
}

/** What a listener needs to answer a CA that has come to validate. */
export interface TlsAlpn01Contexts {
  pending(): boolean;
  contextFor(serverName: string): SecureContext | undefined;
  close(): void;
}

export function createTlsAlpn01Contexts(
  slice: { readonly store: ChallengeStore },
  deps: SharedAnswersDeps,
): TlsAlpn01Contexts {
  const answers = createSharedAnswers(
    {
      store: slice.store,
      type: 'tls-alpn-01',
      read({ serverName, certPem, keyPem }) {
        if (typeof serverName !== 'string' || typeof certPem !== 'string' || typeof keyPem !== 'string')
          return undefined;
        return { name: serverName, value: createSecureContext({ ...tlsOptions, cert: certPem, key: keyPem }) };
      },
    },
    deps,
  );
  return {
    pending: () => answers.pending(),
    contextFor: (serverName) => answers.get(serverName.toLowerCase()),
    close: () => answers.close(),
  };
}

/** A key's segment has at most 200 characters, a name 253. */
function keyFor(serverName: string): string {
  const plain = /^[a-z0-9_-][a-z0-9._-]{0,179}$/.test(serverName);
  const segment = plain ? serverName : createHash('sha256').update(serverName).digest('hex');
  return `${challengePrefix('tls-alpn-01')}${segment}.json`;
}
