import { createHash, type webcrypto } from 'node:crypto';
import { readCsr } from './read-csr.ts';
import type { ScriptedIssuer } from './scripted-issuer.ts';
import { isBindingRight, type JwsHeader, thumbprintOf } from './scripted-jws.ts';
import { type Answer, completeRules, problem, type Rules, type ScriptedProblem } from './scripted-rules.ts';

interface ScriptedAuthorization {
  readonly identifier: { readonly type: string; readonly value: string };
  readonly wildcard: boolean;
  status: string;
  begun: string | undefined;
  reads: number;
  readonly token: string;
  error: ScriptedProblem | undefined;
}

interface ScriptedOrder {
  readonly identifiers: readonly { readonly type: string; readonly value: string }[];
  readonly authorizations: readonly number[];
  readonly profile: string | undefined;
  readonly replaces: string | undefined;
  /** By the CA's clock, in milliseconds since the epoch; the second one when its certificate was signed. */
  readonly madeAt: number;
  issuedAt: number | undefined;
  /** Whether its `replaces` named a certificate that nothing had replaced, which the limits make exempt (RFC 9773, 5). */
  exempt: boolean;
  finalized: boolean;
  unready: number;
  processing: number;
  leaf: string | undefined;
}

interface ScriptedAccount {
  readonly jwk: webcrypto.JsonWebKey;
  status: string;
  contact: readonly string[];
}

export interface ScriptedOrders {
  readonly rules: Rules;
  readonly accounts: readonly ScriptedAccount[];
  readonly made: readonly ScriptedOrder[];
  /** Leaf certificates, PEM. */
  readonly issued: readonly string[];
  /** ARI ids that were replaced. */
  readonly replaced: Set<string>;
  keyOf(kid: string): webcrypto.JsonWebKey | undefined;
  /** As after a CA's reset. */
  forgetAccounts(): void;
  directory(): Answer;
  renewalInfo(path: string): Answer;
  handle(step: string, path: string, header: JwsHeader, payload: unknown): Answer;
}

const inFull = (error: ScriptedProblem | undefined) =>
  error === undefined ? {} : { error: { ...error, type: `urn:ietf:params:acme:error:${error.type}` } };

export function createScriptedOrders(origin: string, issuer: ScriptedIssuer, wanted: Partial<Rules>): ScriptedOrders {
  const rules = completeRules(wanted);
  let accounts: ScriptedAccount[] = [];
  const authorizations: ScriptedAuthorization[] = [];
  const made: ScriptedOrder[] = [];
  const issued: string[] = [];
  const replaced = new Set<string>();
  const soon = () => (rules.retryAfter === undefined ? {} : { 'retry-after': rules.retryAfter });
  const kidOf = (account: ScriptedAccount): string => `${origin}/account/${accounts.indexOf(account)}`;
  const accountOf = (kid: string | undefined) => accounts.find((account) => kidOf(account) === kid);

  function newAccount(header: JwsHeader, payload: unknown): Answer {
    const { onlyReturnExisting, termsOfServiceAgreed, contact, externalAccountBinding } = payload as {
      onlyReturnExisting?: boolean;
      termsOfServiceAgreed?: boolean;
      contact?: string[];
      externalAccountBinding?: unknown;
    };
    const jwk = header.jwk!;
    const known = accounts.find((account) => thumbprintOf(account.jwk) === thumbprintOf(jwk));
    if (known !== undefined && known.status !== 'valid')
      return problem(403, 'unauthorized', `account is ${known.status}`);
    if (known !== undefined) return showAccount(known, 200);
    if (onlyReturnExisting === true) return problem(400, 'accountDoesNotExist', 'no account with this key');
    if (rules.termsOfService !== undefined && termsOfServiceAgreed !== true) {
      return problem(403, 'userActionRequired', 'the terms are not agreed to');
    }
    if (rules.binding !== undefined) {
      const { kid, hmacKey } = rules.binding;
      if (!isBindingRight(externalAccountBinding, header.url, jwk, kid, hmacKey)) {
        return problem(403, 'externalAccountRequired', 'the binding is wrong');
      }
    }
    const account = { jwk, status: 'valid', contact: contact ?? [] };
    accounts.push(account);
    return showAccount(account, 201);
  }

  function showAccount(account: ScriptedAccount, status: number): Answer {
    return {
      status,
      headers: { location: kidOf(account) },
      body: { status: account.status, contact: account.contact },
    };
  }

  function newOrder(payload: unknown): Answer {
    const wish = payload as { identifiers: ScriptedOrder['identifiers']; profile?: string; replaces?: string };
    if (wish.profile !== undefined && !(wish.profile in rules.profiles)) {
      return problem(400, 'invalidProfile', `no profile ${wish.profile}`);
    }
    if (wish.replaces !== undefined && replaced.has(wish.replaces)) {
      return problem(409, 'alreadyReplaced', 'this certificate was replaced before');
    }
    const parts = wish.identifiers.map(({ type, value }) => {
      const wildcard = value.startsWith('*.');
      const identifier = { type, value: wildcard ? value.slice(2) : value };
      const kept = authorizations.findIndex(
        (one) => one.status === 'valid' && one.identifier.value === identifier.value && one.wildcard === wildcard,
      );
      if (rules.remembers && kept !== -1) return kept;
      const token = createHash('sha256').update(`${origin}${authorizations.length}`).digest('base64url');
      authorizations.push({
        identifier,
        wildcard,
        status: 'pending',
        begun: undefined,
        reads: 0,
        token,
        error: undefined,
      });
      return authorizations.length - 1;
    });
    const { unreadyReads: unready, processingReads: processing } = rules;
    const { identifiers, profile, replaces } = wish;
    made.push({
      identifiers,
      authorizations: parts,
      profile,
      replaces,
      madeAt: rules.now(),
      issuedAt: undefined,
      exempt: false,
      finalized: false,
      unready,
      processing,
      leaf: undefined,
    });
    return { ...showOrder(made.length - 1, false), status: 201 };
  }

  function showOrder(index: number, read: boolean): Answer {
    const order = made[index]!;
    const states = order.authorizations.map((one) => authorizations[one]!.status);
    let status = 'pending';
    if (states.includes('invalid')) status = 'invalid';
    else if (states.every((state) => state === 'valid')) {
      status = read && order.unready-- > 0 ? 'pending' : 'ready';
      if (order.finalized) status = order.processing-- > 0 ? 'processing' : rules.orderError ? 'invalid' : 'valid';
    }
    const body = {
      status,
      identifiers: order.identifiers,
      authorizations: order.authorizations.map((one) => `${origin}/authz/${one}`),
      finalize: `${origin}/finalize/${index}`,
      ...(order.profile === undefined ? {} : { profile: order.profile }),
      ...(status === 'valid' ? { certificate: `${origin}/cert/${index}/0` } : {}),
      ...(status === 'invalid' ? inFull(rules.orderError) : {}),
    };
    const settled = status === 'valid' || status === 'invalid';
    return { status: 200, headers: { location: `${origin}/order/${index}`, ...(settled ? {} : soon()) }, body };
  }

  function showAuthorization(index: number): Answer {
    const one = authorizations[index]!;
    if (one.begun !== undefined) one.reads += 1;
    const types = one.wildcard ? rules.challenges.filter((type) => type.startsWith('dns-')) : rules.challenges;
    const shown = one.reads <= rules.pendingReads && one.begun !== undefined ? 'pending' : one.status;
    const body = {
      status: shown,
      identifier: one.identifier,
      ...(one.wildcard ? { wildcard: true } : {}),
      challenges: types.map((type) => showChallenge(index, type, shown)),
    };
    return { status: 200, headers: shown === 'pending' ? soon() : {}, body };
  }

  function showChallenge(index: number, type: string, shown: string): object {
    const { begun, token, error } = authorizations[index]!;
    const mine = begun === type;
    const status = mine ? (shown === 'pending' ? 'processing' : shown) : 'pending';
    const url = `${origin}/challenge/${index}/${type}`;
    return { type, url, token, status, ...(mine && shown !== 'pending' ? inFull(error) : {}) };
  }

  function startChallenge(index: number, type: string, header: JwsHeader): Answer {
    const one = authorizations[index]!;
    if (one.status !== 'pending') return problem(400, 'malformed', 'the authorization is not pending');
    if (one.begun === undefined) {
      one.begun = type;
      const name = one.identifier.value;
      const keyAuthorization = `${one.token}.${thumbprintOf(accountOf(header.kid)!.jwk)}`;
      void rules.validate({ name, type, token: one.token, keyAuthorization }).then((error) => {
        one.error = error;
        one.status = error === undefined ? 'valid' : 'invalid';
      });
    }
    const body = showChallenge(index, type, 'pending');
    return { status: 200, headers: { link: `<${origin}/authz/${index}>;rel="up"` }, body };
  }

  function finalize(index: number, payload: unknown): Answer {
    const order = made[index]!;
    const { status } = showOrder(index, true).body as { status: string };
    if (status !== 'ready') return problem(403, 'orderNotReady', `the order is ${status}`);
    const { publicKey, names } = readCsr(Buffer.from((payload as { csr: string }).csr, 'base64url'));
    const ordered = order.identifiers.map(({ value }) => value);
    if ([...names].sort().join() !== [...ordered].sort().join()) return problem(400, 'badCSR', 'other names');
    const now = rules.now();
    const lifetime = rules.lifetimes[order.profile ?? ''] ?? rules.lifetime;
    order.leaf = issuer.issue(publicKey, rules.namesIssued(names), now - 3_600_000, now + lifetime);
    order.issuedAt = now;
    order.exempt = order.replaces !== undefined && !replaced.has(order.replaces);
    order.finalized = true;
    if (rules.orderError === undefined) issued.push(order.leaf);
    if (order.replaces !== undefined) replaced.add(order.replaces);
    return showOrder(index, true);
  }

  return {
    rules,
    get accounts() {
      return accounts;
    },
    made,
    issued,
    replaced,
    keyOf: (kid) => accountOf(kid)?.jwk,
    forgetAccounts() {
      accounts = [];
    },
    directory() {
      const { termsOfService, profiles, caaIdentities, binding, renewalInfo } = rules;
      const urls = Object.fromEntries(
        [
          ['newNonce', 'nonce'],
          ['newAccount', 'new-account'],
          ['newOrder', 'new-order'],
          ['revokeCert', 'revoke'],
        ].map(([name, path]) => [name, `${origin}/${path}`]),
      );
      // Like Pebble's, with a slash at its end.
      const renewal = renewalInfo === undefined ? {} : { renewalInfo: `${origin}/renewal-info/` };
      const meta = {
        ...(termsOfService === undefined ? {} : { termsOfService }),
        profiles,
        caaIdentities,
        externalAccountRequired: !!binding,
      };
      return { status: 200, body: { ...urls, ...renewal, meta } };
    },
    renewalInfo: (path) => rules.renewalInfo?.(path.split('/')[2] ?? '') ?? problem(404, 'malformed', 'no such thing'),
    handle(step, path, header, payload) {
      const [, , first, second] = path.split('/');
      const index = Number(first);
      if (step === 'new-account') return newAccount(header, payload);
      const account = accountOf(header.kid);
      if (account === undefined) return problem(400, 'malformed', 'this needs an account');
      if (account.status !== 'valid') return problem(403, 'unauthorized', `account is ${account.status}`);
      switch (step) {
        case 'account':
          account.contact = (payload as { contact?: string[] } | undefined)?.contact ?? account.contact;
          return showAccount(account, 200);
        case 'new-order':
          return newOrder(payload);
        case 'order':
          return showOrder(index, true);
        case 'authz':
          if (payload !== undefined) authorizations[index]!.status = 'deactivated';
          return showAuthorization(index);
        case 'challenge':
          return startChallenge(index, second!, header);
        case 'finalize':
          return finalize(index, payload);
        case 'revoke':
          return { status: 200 };
        default: {
          const chain = made[index]!.leaf! + issuer.intermediates[second === '1' ? 1 : 0];
          const link = `<${origin}/dir>;rel="index", <${origin}/cert/${index}/1>;rel="alternate"`;
          return { status: 200, headers: { 'content-type': 'application/pem-certificate-chain', link }, body: chain };
        }
      }
    },
  };
}
