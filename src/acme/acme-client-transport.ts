import { createHash } from 'node:crypto';
import { crypto as acmeCrypto, Client } from 'acme-client';
import type { CaAnswer } from './ca-answer.ts';
import { type CaConnection, type CaConnectionDeps, createCaConnection } from './ca-connection.ts';
import { type Directory, parseDirectory, requireDirectory } from './directory.ts';
import { pause } from './pause.ts';
import { caHost, isCut, malformedAnswer, readProblem, refusal } from './read-problem.ts';

// acme-client signs requests, account bindings and certificate requests here, and nothing else. What it would send, it
// gives to `request`, which is ours: its own way out has one trust, one proxy and one time limit for the whole process,
// waits for as long as a CA says, repeats a request with the same nonce, and loses what went wrong.

/** Milliseconds. */
const DIRECTORY_MAX_AGE = 3_600_000;
/**
 * With the five that are common, a CA that refuses every other nonce, as Pebble can be told to, lets every sixtieth request
 * fail, and an issuance has twenty. Those after the fifth are spaced out, so that a CA that is ill is not hammered.
 */
const MAX_BAD_NONCES = 20;
const BAD_NONCES_AT_ONCE = 5;
const BAD_NONCE_PAUSE = 1_000;
/** More are of no use to one order, and old ones go stale. */
const MAX_NONCES = 20;
/** Milliseconds; CAs forget nonces. */
const NONCE_MAX_AGE = 300_000;

/** What a CA gave an operator for the first request of an account (RFC 8555 section 7.3.4). */
export interface ExternalAccountBinding {
  readonly kid: string;
  /** base64url, or base64. */
  readonly hmacKey: string;
}

export interface SignedRequest {
  readonly url: string;
  /** What is asked for, as the object of `The CA at HOST refused ...`. */
  readonly what: string;
  /** Undefined for a POST-as-GET (RFC 8555 section 6.3). */
  readonly payload?: object;
  /** The account's URL; undefined while there is none, and the key goes along instead. */
  readonly accountUrl: string | undefined;
  readonly accept?: string;
  /** Adds the external account binding. */
  readonly bound?: boolean;
}

/** Requests to one CA. All of them reject with an AcmeProblem, or with the signal's reason when it is aborted. */
export interface AcmeTransport {
  /** At most an hour old. */
  directory(signal: AbortSignal): Promise<Directory>;
  /** A request that is not signed. */
  get(url: string, what: string, signal: AbortSignal): Promise<CaAnswer>;
  /**
   * Signs with the account's key (PEM) and sends. A refused nonce is replaced by a fresh one, twenty times at most, after the fifth
   * a second apart; a read
   * that was cut off is repeated once. Nothing else is repeated.
   */
  post(keyPem: string, request: SignedRequest, signal: AbortSignal): Promise<CaAnswer>;
  /** Gets a nonce ahead of the request that will need it. */
  fetchNonce(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** The part of acme-client's HTTP client that its types do not show (5.4.0, src/http.js). */
interface RequestSigner {
  maxBadNonceRetries: number;
  request(url: string, method: string, options: { readonly data: object }): Promise<unknown>;
  signedRequest(
    url: string,
    payload: object | null,
    options: { readonly kid: string | null; readonly nonce: string; readonly includeExternalAccountBinding: boolean },
  ): Promise<unknown>;
}

/** Throws a SidecarError when `caFile` (PEM) holds no certificate. Nothing is sent before the first call. */
export function createAcmeTransport(
  slice: {
    readonly directoryUrl: string;
    readonly caFile: string | undefined;
    readonly eab: ExternalAccountBinding | undefined;
  },
  deps: CaConnectionDeps,
): AcmeTransport {
  const { system } = deps;
  const connection: CaConnection = createCaConnection({ caFile: slice.caFile }, deps);
  let known: { readonly directory: Directory; readonly at: number } | undefined;
  const nonces: { readonly value: string; readonly at: number }[] = [];
  let lastUsed: string | undefined;

  function keepNonce(answer: CaAnswer): void {
    const value = answer.header('replay-nonce');
    // RFC 8555 section 6.5.1. The one that was just used may come again, in an answer that was kept by a proxy.
    if (value === undefined || value === lastUsed || !/^[A-Za-z0-9_-]{1,512}$/.test(value)) return;
    nonces.push({ value, at: system.monotonic() });
    if (nonces.length > MAX_NONCES) nonces.shift();
  }

  async function fetchNonce(signal: AbortSignal): Promise<CaAnswer> {
    const { newNonce } = await directory(signal);
    const answer = await connection.send({ method: 'HEAD', url: newNonce }, signal);
    if (answer.status >= 400) throw refusal(answer, 'a nonce', system.now());
    keepNonce(answer);
    return answer;
  }

  async function takeNonce(signal: AbortSignal): Promise<string> {
    for (let tried = 0; ; tried++) {
      const nonce = nonces.pop();
      if (nonce !== undefined && system.monotonic() - nonce.at < NONCE_MAX_AGE) {
        lastUsed = nonce.value;
        return nonce.value;
      }
      nonces.length = 0;
      const answer = await fetchNonce(signal);
      if (nonces.length === 0 && tried > 0) throw malformedAnswer(answer.url, answer.status, 'it has no new nonce');
    }
  }

  async function directory(signal: AbortSignal): Promise<Directory> {
    if (known !== undefined && system.monotonic() - known.at < DIRECTORY_MAX_AGE) return known.directory;
    const url = slice.directoryUrl;
    const answer = await repeatOnceWhenCut(() => connection.send({ method: 'GET', url }, signal));
    requireDirectory(answer, url);
    if (!isSuccess(answer)) throw refusal(answer, 'its directory', system.now());
    known = { directory: parseDirectory(answer), at: system.monotonic() };
    return known.directory;
  }

  async function get(url: string, what: string, signal: AbortSignal): Promise<CaAnswer> {
    const answer = await repeatOnceWhenCut(() => connection.send({ method: 'GET', url }, signal));
    if (!isSuccess(answer)) throw refusal(answer, what, system.now());
    return answer;
  }

  async function postOnce(keyPem: string, request: SignedRequest, signal: AbortSignal): Promise<CaAnswer> {
    const nonce = await takeNonce(signal);
    const client = new Client({
      directoryUrl: slice.directoryUrl,
      accountKey: keyPem,
      ...(slice.eab === undefined ? {} : { externalAccountBinding: { ...slice.eab } }),
    });
    const signer = (client as unknown as { http: RequestSigner }).http;
    signer.maxBadNonceRetries = 0;
    let answer: CaAnswer | undefined;
    signer.request = async (url, _method, { data }) => {
      const { accept } = request;
      const body = JSON.stringify(data);
      answer = await connection.send(
        { method: 'POST', url, body, ...(accept === undefined ? {} : { accept }) },
        signal,
      );
      return {};
    };
    // A copy, because a binding is put into it.
    const payload = request.payload === undefined ? null : { ...request.payload };
    await signer.signedRequest(request.url, payload, {
      kid: request.accountUrl ?? null,
      nonce,
      includeExternalAccountBinding: request.bound === true,
    });
    // signedRequest ends only after `request` has.
    keepNonce(answer!);
    return answer!;
  }

  return {
    directory,
    get,
    async post(keyPem, request, signal) {
      const send = (): Promise<CaAnswer> => postOnce(keyPem, request, signal);
      for (let refused = 0; ; refused++) {
        const answer = await (request.payload === undefined ? repeatOnceWhenCut(send) : send());
        if (isSuccess(answer)) return answer;
        if (readProblem(answer).type !== 'badNonce' || refused >= MAX_BAD_NONCES) {
          throw refusal(answer, request.what, system.now());
        }
        if (refused >= BAD_NONCES_AT_ONCE) await pause(system, BAD_NONCE_PAUSE, signal);
      }
    },
    async fetchNonce(signal) {
      await fetchNonce(signal);
    },
    close: () => connection.close(),
  };
}

/** RFC 7638, of an account's key (PEM); base64url. */
export function keyThumbprint(keyPem: string): string {
  return createHash('sha256')
    .update(JSON.stringify(acmeCrypto.getJwk(keyPem)))
    .digest('base64url');
}

/** A PKCS#10 request, DER, for DNS names, wildcards and addresses, with nothing in its subject. `keyPem` is PKCS#8. */
export async function createCertificateRequest(names: readonly string[], keyPem: string): Promise<Buffer> {
  // Without a common name: it is deprecated, some profiles refuse it, and it may have 64 characters at most.
  const [, pem] = await acmeCrypto.createCsr({ altNames: [...names] }, keyPem);
  return Buffer.from(pem.toString().replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
}

/** The CA by the name that a person knows it by. */
export function describeCa(directoryUrl: string): string {
  return `The CA at ${caHost(directoryUrl)}`;
}

const isSuccess = ({ status }: CaAnswer): boolean => status >= 200 && status <= 299;

async function repeatOnceWhenCut(send: () => Promise<CaAnswer>): Promise<CaAnswer> {
  try {
    return await send();
  } catch (error) {
    if (!isCut(error)) throw error;
    return send();
  }
}
