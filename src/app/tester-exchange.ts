import { readFile } from 'node:fs/promises';
import { createHttpsExchange } from '../base/create-https-exchange.ts';
import { describeError } from '../base/errors.ts';
import type { HttpsExchange } from '../base/https-exchange.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import { parseTrustBundle } from '../base/trust-bundle.ts';
import type { Config } from '../config/config.ts';
import type { Store } from '../store/store.ts';
import { ROOT_COPY_KEY } from '../tls/development-ca.ts';

/** By what servers are looked at, and whether it trusts an authority beside the public ones. */
export interface TesterExchange {
  readonly https: HttpsExchange;
  readonly ownAuthority: boolean;
}

export interface TesterExchangeDeps {
  readonly system: System;
  readonly log: Log;
  /** Of the configuration that is given. */
  store(): Pick<Store, 'read'>;
}

/** The authorities are read anew each time, so that one that was replaced is trusted. The result never rejects. */
export function createTesterExchange(deps: TesterExchangeDeps): (config: Config) => Promise<TesterExchange> {
  const { system, log } = deps;
  // Reading all the public authorities takes some milliseconds: done again only for other ones of our own.
  let exchange: { readonly trusted: string; readonly https: HttpsExchange } | undefined;

  async function exchangeFor(config: Config): Promise<TesterExchange> {
    const ca = await readTrusted(config);
    const trusted = ca.join('');
    if (exchange?.trusted !== trusted) exchange = { trusted, https: createHttpsExchange({ system, ca }) };
    return { https: exchange.https, ownAuthority: ca.length > 0 };
  }

  async function readTrusted(config: Config): Promise<readonly string[]> {
    const { caFile } = config.federationTester;
    const file = caFile === undefined ? undefined : await readText(() => readFile(caFile), caFile);
    const root =
      config.certificates !== 'local' ? undefined : await readText(() => deps.store().read(ROOT_COPY_KEY), 'it');
    return [...readBundle(file), ...readBundle(root)];
  }

  /** A test with less trust says what is missing; none at all says nothing. */
  async function readText(read: () => Promise<Buffer | undefined>, what: string): Promise<string | undefined> {
    try {
      return (await read())?.toString();
    } catch (error) {
      log.warn(
        {},
        `The federation tester does without a certificate authority: ${what} cannot be read: ${describeError(error)}`,
      );
      return undefined;
    }
  }

  return exchangeFor;
}

/** A network with authorities of its own has addresses of its own, too. */
export function reachOf({ certificates, acme, federationTester }: Config): 'public' | 'private' {
  const own = certificates === 'local' || acme.caFile !== undefined || federationTester.caFile !== undefined;
  return own ? 'private' : 'public';
}

function readBundle(pem: string | undefined): readonly string[] {
  const parsed = parseTrustBundle(pem ?? '');
  return parsed.ok ? parsed.value : [];
}
