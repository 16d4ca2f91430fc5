import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { describeError, SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Store } from '../store/store.ts';
import { type AccountRecord, readAccountRecord, writeAccountRecord } from './account-record.ts';
import { type AcmeTransport, describeCa, keyThumbprint } from './acme-client-transport.ts';
import { readAnswerFields, whyNoUrl } from './answer-fields.ts';
import type { CaAnswer } from './ca-answer.ts';
import { AcmeProblem } from './problem.ts';
import { malformedAnswer } from './read-problem.ts';

const makeKeyPair = promisify(generateKeyPair);

/** The part of a store that an account needs; `src/store/store.ts` has the promises. */
export type AccountStore = Pick<Store, 'read' | 'write' | 'where'>;

/** An account at a CA (RFC 8555 section 7.1.2). */
export interface Account {
  readonly url: string;
  /** Of its key, RFC 7638, base64url: the end of every key authorization. */
  readonly thumbprint: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

/** Which account is wanted. */
export interface AccountWish {
  readonly directoryUrl: string;
  /** The store's key of the account's record. */
  readonly storeKey: string;
  /** An e-mail address. */
  readonly contact: string | undefined;
  readonly termsAgreed: boolean;
  /** Whether there is an external account binding to give. */
  readonly bound: boolean;
}

interface Deps {
  readonly transport: AcmeTransport;
  readonly store: AccountStore;
  readonly log: Log;
}

/**
 * The stored account; made where there is none, found again by its key where only its URL is missing, told of a contact
 * that has changed. The key is stored before the CA hears of it, so that no crash leaves an account without its key.
 * Rejects with an AcmeProblem, or with a SidecarError when the terms are not agreed to or a binding is missing.
 */
export async function openAccount(wish: AccountWish, deps: Deps, signal: AbortSignal): Promise<Account> {
  const stored = await deps.store.read(wish.storeKey);
  const contact = wish.contact === undefined ? [] : [`mailto:${wish.contact}`];
  let record: AccountRecord;
  if (stored === undefined) {
    const { privateKey } = await makeKeyPair('ec', { namedCurve: 'P-256' });
    record = { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), url: undefined, contact };
    await deps.store.write(wish.storeKey, writeAccountRecord(record));
  } else {
    record = readAccountRecord(stored, deps.store.where(wish.storeKey));
  }
  if (record.url === undefined) {
    // A key that was just made cannot have an account yet.
    const found = stored === undefined ? undefined : await findAccount(wish, record.key, deps, signal);
    const url = found ?? (await makeAccount(wish, record.key, contact, deps, signal));
    // Of an account that was found nobody knows what contact it has: it is told below.
    record = { key: record.key, url, contact: found === undefined ? contact : [] };
    await deps.store.write(wish.storeKey, writeAccountRecord(record));
  }
  const url = record.url!;
  if (record.contact.join() !== contact.join()) await updateContact(wish, { ...record, url }, contact, deps, signal);
  return { url, thumbprint: keyThumbprint(record.key), key: record.key };
}

/**
 * The URL of the stored account: asks no CA and makes nothing. Undefined where there is none yet, and where the record
 * cannot be read, which whoever opens the account says.
 */
export async function readAccountUrl(storeKey: string, store: AccountStore): Promise<string | undefined> {
  try {
    const stored = await store.read(storeKey);
    return stored === undefined ? undefined : readAccountRecord(stored, store.where(storeKey)).url;
  } catch {
    return undefined;
  }
}

/** Forgets where the account is, so that `openAccount` looks for it by its key, and makes one where the CA has none. */
export async function forgetAccountUrl(storeKey: string, store: AccountStore): Promise<void> {
  const stored = await store.read(storeKey);
  if (stored === undefined) return;
  const record = readAccountRecord(stored, store.where(storeKey));
  await store.write(storeKey, writeAccountRecord({ ...record, url: undefined }));
}

/** Rejects, when the account is deactivated or revoked, with an AcmeProblem of type `accountDeactivated`: what to do. */
export async function requireValidAccount(
  account: Account,
  wish: AccountWish,
  { transport, store }: Pick<Deps, 'transport' | 'store'>,
  signal: AbortSignal,
): Promise<void> {
  let answer: CaAnswer;
  try {
    const request = { url: account.url, what: 'its account', accountUrl: account.url };
    answer = await transport.post(account.key, request, signal);
  } catch (error) {
    if (error instanceof AcmeProblem && error.problem.type === 'unauthorized') {
      throw unusable(wish, error.problem.detail, error.problem.status, store, error);
    }
    throw error;
  }
  requireValidStatus(answer, wish, store);
}

/** The URL of the account with this key, or undefined when the CA has none (RFC 8555 section 7.3.1). */
async function findAccount(
  wish: AccountWish,
  key: string,
  deps: Deps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { newAccount } = await deps.transport.directory(signal);
  const request = { url: newAccount, what: 'to find the account', payload: { onlyReturnExisting: true } };
  try {
    const answer = await deps.transport.post(key, { ...request, accountUrl: undefined }, signal);
    requireValidStatus(answer, wish, deps.store);
    const url = accountUrl(answer);
    deps.log.info({ account: url }, 'The ACME account was found again by its key.');
    return url;
  } catch (error) {
    if (!(error instanceof AcmeProblem)) throw error;
    if (error.problem.type === 'accountDoesNotExist') return undefined;
    if (error.problem.type !== 'unauthorized') throw error;
    throw unusable(wish, error.problem.detail, error.problem.status, deps.store, error);
  }
}

async function makeAccount(
  wish: AccountWish,
  key: string,
  contact: readonly string[],
  deps: Deps,
  signal: AbortSignal,
): Promise<string> {
  const { newAccount, termsOfService, externalAccountRequired } = await deps.transport.directory(signal);
  if (termsOfService !== undefined && !wish.termsAgreed) {
    throw new SidecarError(`${describeCa(wish.directoryUrl)} makes no account before its terms are agreed to.`, {
      code: 'acme-terms-not-agreed',
      blame: 'operator',
      hint: `Read ${termsOfService} and agree to it in the acme section of the configuration.`,
    });
  }
  if (externalAccountRequired && !wish.bound) {
    throw new SidecarError(`${describeCa(wish.directoryUrl)} makes accounts only for customers it knows.`, {
      code: 'acme-binding-required',
      blame: 'operator',
      hint: 'Get a key id and an HMAC key ("EAB credentials") from the CA and put them into the acme section of the configuration.',
    });
  }
  const payload = {
    ...(termsOfService === undefined ? {} : { termsOfServiceAgreed: true }),
    ...(contact.length === 0 ? {} : { contact }),
  };
  const request = { url: newAccount, what: 'to make an account', payload, accountUrl: undefined, bound: wish.bound };
  const answer = await deps.transport.post(key, request, signal);
  requireValidStatus(answer, wish, deps.store);
  const url = accountUrl(answer);
  deps.log.info({ account: url }, `${describeCa(wish.directoryUrl)} has made an account.`);
  return url;
}

/** A contact that the CA does not like is no reason to be without certificates. */
async function updateContact(
  wish: AccountWish,
  record: AccountRecord & { readonly url: string },
  contact: readonly string[],
  { transport, store, log }: Deps,
  signal: AbortSignal,
): Promise<void> {
  try {
    const request = { url: record.url, what: 'the new contact', payload: { contact }, accountUrl: record.url };
    const answer = await transport.post(record.key, request, signal);
    requireValidStatus(answer, wish, store);
    await store.write(wish.storeKey, writeAccountRecord({ ...record, contact }));
  } catch (error) {
    if (!(error instanceof AcmeProblem) || !['invalidContact', 'unsupportedContact'].includes(error.problem.type))
      throw error;
    log.warn({ err: error }, `The account keeps its old contact. ${describeError(error)}`);
  }
}

function accountUrl(answer: CaAnswer): string {
  const location = answer.header('location') ?? '';
  const problem = whyNoUrl(location);
  if (problem !== undefined) throw malformedAnswer(answer.url, answer.status, `the account's URL ${problem}`);
  return location;
}

function requireValidStatus(answer: CaAnswer, wish: AccountWish, store: AccountStore): void {
  const status = readAnswerFields(answer).oneOf('status', ['valid', 'deactivated', 'revoked']);
  if (status !== 'valid') throw unusable(wish, `it is ${status}`, answer.status, store);
}

function unusable(wish: AccountWish, why: string, status: number, store: AccountStore, cause?: unknown): AcmeProblem {
  const detail = `${why}. To have a new account made, remove ${store.where(wish.storeKey)}`;
  const problem = { type: 'accountDeactivated', detail, status, subproblems: [] };
  return new AcmeProblem(problem, `${describeCa(wish.directoryUrl)} does not accept the account`, undefined, cause);
}
