import type { Log } from '../base/log.ts';
import {
  type Account,
  type AccountStore,
  type AccountWish,
  forgetAccountUrl,
  openAccount,
  readAccountUrl,
  requireValidAccount,
} from './account.ts';
import {
  type AcmeTransport,
  createAcmeTransport,
  describeCa,
  type ExternalAccountBinding,
  type SignedRequest,
} from './acme-client-transport.ts';
import { whyNoUrl } from './answer-fields.ts';
import type { CaAnswer } from './ca-answer.ts';
import type { CaConnectionDeps } from './ca-connection.ts';
import { caFolder } from './ca-folder.ts';
import { choosePreferredChain, parseChain, readLinks } from './certificate-chain.ts';
import type { Directory } from './directory.ts';
import {
  type Authorization,
  type Challenge,
  type Order,
  type OrderIdentifier,
  parseAuthorization,
  parseChallenge,
  parseOrder,
} from './order.ts';
import { AcmeProblem } from './problem.ts';
import { malformedAnswer } from './read-problem.ts';
import { parseRenewalInfo, type SuggestedWindow } from './renewal-info.ts';
import { shareWork } from './shared-work.ts';

const MAX_ALTERNATES = 5;

/** One CA and the account that is held with it. */
export interface CaSlice {
  readonly directoryUrl: string;
  /** Certificates in PEM that are trusted for this CA instead of the machine's own. */
  readonly caFile?: string | undefined;
  readonly eab?: ExternalAccountBinding | undefined;
  /** An e-mail address. */
  readonly contact?: string | undefined;
  readonly termsAgreed: boolean;
  /** The common name of an issuer: of several chains, the one that ends in it is taken. */
  readonly preferredChain?: string | undefined;
}

export interface OrderWish {
  readonly identifiers: readonly OrderIdentifier[];
  readonly profile?: string | undefined;
  /** The ARI id of the certificate that this one replaces; left out where the CA gives no renewal advice. */
  readonly replaces?: string | undefined;
}

/**
 * The requests of RFC 8555 and RFC 9773, one method each; none of them waits or repeats but for nonces. All reject with an
 * AcmeProblem, or with the signal's reason when it is aborted. The first that needs it opens the account.
 */
export interface Ca {
  readonly directoryUrl: string;
  directory(signal: AbortSignal): Promise<Directory>;
  account(signal: AbortSignal): Promise<Account>;
  /** The URL of the account as far as the store has one: the CA is not asked, and none is made. Never rejects. */
  knownAccountUrl(): Promise<string | undefined>;
  newOrder(wish: OrderWish, signal: AbortSignal): Promise<Order>;
  readOrder(url: string, signal: AbortSignal): Promise<Order>;
  readAuthorization(url: string, signal: AbortSignal): Promise<Authorization>;
  /** Tells the CA that the challenge can be met now. */
  startChallenge(url: string, signal: AbortSignal): Promise<Challenge>;
  /** `csr` is DER. */
  finalize(order: Order, csr: Uint8Array, signal: AbortSignal): Promise<Order>;
  /** The chain of a valid order as PEM, the leaf first. */
  downloadCertificate(order: Order, signal: AbortSignal): Promise<string>;
  /** Undefined where the CA gives no such advice. `certificateId` is from `ariCertificateId`. */
  renewalInfo(certificateId: string, signal: AbortSignal): Promise<SuggestedWindow | undefined>;
  deactivateAuthorization(url: string, signal: AbortSignal): Promise<void>;
  /** `reason` is a code of RFC 5280 section 5.3.1. A certificate that is revoked already is no error. */
  revoke(certificate: Uint8Array, reason: number, signal: AbortSignal): Promise<void>;
  /** Asks for something that changes nothing, so that `hearTime` hears what time it is there. Needs no account. */
  askTime(signal: AbortSignal): Promise<void>;
  /** Ends the connections. May be called again. */
  close(): Promise<void>;
}

/** Throws a SidecarError when `caFile` holds no certificate. Nothing is read, stored or sent before the first call. */
export function createCa(
  slice: CaSlice,
  deps: CaConnectionDeps & { readonly store: AccountStore; readonly log: Log },
): Ca {
  const { system, store, log } = deps;
  const { directoryUrl, caFile, eab, contact, termsAgreed, preferredChain } = slice;
  const transport: AcmeTransport = createAcmeTransport({ directoryUrl, caFile, eab }, deps);
  const storeKey = `acme/${caFolder(directoryUrl)}/account.json`;
  const wish: AccountWish = { directoryUrl, storeKey, contact, termsAgreed, bound: eab !== undefined };
  let open: Account | undefined;
  const opening = shareWork(async (signal) => {
    open = await openAccount(wish, { transport, store, log }, signal);
    return open;
  });

  async function account(signal: AbortSignal): Promise<Account> {
    return open ?? opening.join(signal);
  }

  async function postAs(holder: Account, request: Omit<SignedRequest, 'accountUrl'>, signal: AbortSignal) {
    try {
      return await transport.post(holder.key, { ...request, accountUrl: holder.url }, signal);
    } catch (error) {
      if (!(error instanceof AcmeProblem) || error.problem.type !== 'unauthorized') throw error;
      // The account's fault or the request's? The account's own page tells.
      await requireValidAccount(holder, wish, { transport, store }, signal);
      throw error;
    }
  }

  async function post(request: Omit<SignedRequest, 'accountUrl'>, signal: AbortSignal): Promise<CaAnswer> {
    const holder = await account(signal);
    try {
      return await postAs(holder, request, signal);
    } catch (error) {
      if (!(error instanceof AcmeProblem) || error.problem.type !== 'accountDoesNotExist') throw error;
      log.warn({ account: holder.url }, `${describeCa(directoryUrl)} does not know the account any more.`);
      if (open === holder) {
        open = undefined;
        await forgetAccountUrl(storeKey, store);
      }
      return postAs(await account(signal), request, signal);
    }
  }

  const read = (url: string, what: string, signal: AbortSignal) => post({ url, what }, signal);

  return {
    directoryUrl,
    directory: (signal) => transport.directory(signal),
    account,
    knownAccountUrl: async () => open?.url ?? (await readAccountUrl(storeKey, store)),
    async newOrder({ identifiers, profile, replaces }, signal) {
      const { newOrder, renewalInfo } = await transport.directory(signal);
      const payload = {
        identifiers,
        ...(profile === undefined ? {} : { profile }),
        ...(replaces === undefined || renewalInfo === undefined ? {} : { replaces }),
      };
      const answer = await post({ url: newOrder, what: 'the order', payload }, signal);
      const url = answer.header('location') ?? '';
      const problem = whyNoUrl(url);
      if (problem !== undefined) throw malformedAnswer(answer.url, answer.status, `the order's URL ${problem}`);
      const order = parseOrder(answer, url, system.now());
      if (describe(order.identifiers) !== describe(identifiers)) {
        throw malformedAnswer(answer.url, answer.status, `the order is for ${describe(order.identifiers)}`);
      }
      return order;
    },
    async readOrder(url, signal) {
      return parseOrder(await read(url, 'to show the order', signal), url, system.now());
    },
    async readAuthorization(url, signal) {
      return parseAuthorization(await read(url, 'to show the authorization', signal), url, system.now());
    },
    async startChallenge(url, signal) {
      return parseChallenge(await post({ url, what: 'the challenge', payload: {} }, signal));
    },
    async finalize(order, csr, signal) {
      const payload = { csr: Buffer.from(csr).toString('base64url') };
      const answer = await post({ url: order.finalize, what: 'the certificate request', payload }, signal);
      return parseOrder(answer, order.url, system.now());
    },
    async downloadCertificate(order, signal) {
      if (order.certificate === undefined)
        throw malformedAnswer(order.url, 200, 'the order is valid without a certificate');
      const download = (url: string) =>
        post({ url, what: 'the certificate', accept: 'application/pem-certificate-chain' }, signal);
      const answer = await download(order.certificate);
      const chains = [parseChain(answer)];
      if (preferredChain === undefined) return chains[0]!.pem;
      const alternates = readLinks(answer, 'alternate').slice(0, MAX_ALTERNATES);
      for (const url of alternates) {
        if (chains.at(-1)?.issuers.at(-1) === preferredChain) break;
        chains.push(parseChain(await download(url)));
      }
      const chosen = chains[choosePreferredChain(chains, preferredChain)]!;
      if (!chosen.issuers.includes(preferredChain)) {
        const offered = chains.map(({ issuers }) => issuers.at(-1) ?? '').join(', ');
        log.warn(
          { offered },
          `${describeCa(directoryUrl)} offers no chain up to ${preferredChain}; its own choice is used.`,
        );
      }
      return chosen.pem;
    },
    async renewalInfo(certificateId, signal) {
      const { renewalInfo } = await transport.directory(signal);
      if (renewalInfo === undefined) return undefined;
      const answer = await transport.get(`${renewalInfo}/${certificateId}`, 'to say when to renew', signal);
      return parseRenewalInfo(answer, system.now());
    },
    async deactivateAuthorization(url, signal) {
      await post({ url, what: 'to give up the authorization', payload: { status: 'deactivated' } }, signal);
    },
    async revoke(certificate, reason, signal) {
      const { revokeCert } = await transport.directory(signal);
      if (revokeCert === undefined) throw malformedAnswer(directoryUrl, 200, 'it has no way to revoke a certificate');
      const payload = { certificate: Buffer.from(certificate).toString('base64url'), reason };
      try {
        await post({ url: revokeCert, what: 'to revoke the certificate', payload }, signal);
      } catch (error) {
        if (!(error instanceof AcmeProblem) || error.problem.type !== 'alreadyRevoked') throw error;
      }
    },
    askTime: (signal) => transport.fetchNonce(signal),
    close: () => transport.close(),
  };
}

function describe(identifiers: readonly OrderIdentifier[]): string {
  return [...new Set(identifiers.map(({ value }) => value))].sort().join(', ');
}
