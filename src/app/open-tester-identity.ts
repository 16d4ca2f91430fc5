import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Identity } from '../federation-tester/identity.ts';
import type { JsonObject } from '../matrix/json.ts';
import type { ServerName } from '../matrix/server-name.ts';
import type { Store } from '../store/store.ts';
import { buildIdentityDocument, deriveKey } from './tester-identity.ts';
import { readTesterSecret, requireTesterSecret } from './tester-secret.ts';

/** Milliseconds between two looks into the store for a secret that is not there, whatever strangers ask. */
const LOOK_EVERY = 2_000;

/** The federation tester's identity in a sidecar that runs: it signs, and it answers for the keys. */
export interface TesterIdentity {
  /** For one test; undefined where there is no name, or no secret to be had. Never rejects. */
  begin(): Promise<SigningTest | undefined>;
  /** What to answer to who asks for the keys; undefined while there are none. Never rejects. */
  publish(): Promise<JsonObject | undefined>;
}

/** One test that is signed. */
export interface SigningTest {
  readonly identity: Identity;
  /** Said when it is over. */
  end(): void;
}

export function openTesterIdentity(deps: {
  readonly system: System;
  readonly log: Log;
  /** Of the configuration in force. */
  name(): ServerName | undefined;
  store(): Store;
}): TesterIdentity {
  const { system, log } = deps;
  let kept: { readonly store: Store; readonly secret: Buffer } | undefined;
  let looked: number | undefined;
  let fetches = 0;
  // Of tests under way: whether there was no other at any time, so that who fetched the keys did so for this one.
  const underWay = new Set<{ alone: boolean }>();

  /** Kept for as long as the store is the same; a failure is said and is as good as none. */
  async function load(how: (store: Store) => Promise<Buffer | undefined>): Promise<Buffer | undefined> {
    const store = deps.store();
    if (kept?.store === store) return kept.secret;
    try {
      const secret = await how(store);
      kept = secret === undefined ? undefined : { store, secret };
      return secret;
    } catch (error) {
      log.warn({}, `The federation tester signs nothing, since its secret cannot be had: ${describeError(error)}`);
      return undefined;
    }
  }

  async function lookUp(): Promise<Buffer | undefined> {
    const now = system.monotonic();
    if (kept === undefined && looked !== undefined && now - looked < LOOK_EVERY) return undefined;
    looked = now;
    return load(readTesterSecret);
  }

  async function publish(): Promise<JsonObject | undefined> {
    const name = deps.name();
    const secret = name === undefined ? undefined : await lookUp();
    if (name === undefined || secret === undefined) return undefined;
    fetches += 1;
    return buildIdentityDocument(name.text, secret, system.now());
  }

  return {
    publish,
    async begin() {
      const serverName = deps.name();
      if (serverName === undefined) return undefined;
      const secret = await load((store) => requireTesterSecret(store, system));
      if (secret === undefined) return undefined;
      const test = { alone: underWay.size === 0 };
      for (const other of underWay) other.alone = false;
      underWay.add(test);
      const before = fetches;
      return {
        identity: {
          serverName,
          key: deriveKey(secret, system.now()),
          publish: () => buildIdentityDocument(serverName.text, secret, system.now()),
          keyFetches: () => (test.alone ? fetches - before : undefined),
        },
        end: () => void underWay.delete(test),
      };
    },
  };
}
