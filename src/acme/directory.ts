import { readAnswerFields } from './answer-fields.ts';
import type { CaAnswer } from './ca-answer.ts';

const MAX_PROFILES = 50;
const MAX_CAA_IDENTITIES = 20;

/** What a CA offers (RFC 8555 section 7.1.1). */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** Undefined where the CA does not revoke by request. */
  readonly revokeCert: string | undefined;
  /** Where to ask when to renew (RFC 9773), without a slash at its end. Undefined where the CA has no advice. */
  readonly renewalInfo: string | undefined;
  /** Name and description (draft-aaron-acme-profiles); empty where the CA has none. */
  readonly profiles: Readonly<Record<string, string>>;
  readonly termsOfService: string | undefined;
  readonly externalAccountRequired: boolean;
  /** The domain names by which CAA records know the CA, lower case; empty where it names none. */
  readonly caaIdentities: readonly string[];
}

/** Throws an AcmeProblem of type `malformed-answer`, whatever the bytes. */
export function parseDirectory(answer: CaAnswer): Directory {
  const fields = readAnswerFields(answer);
  const meta = fields.has('meta') ? fields.object('meta') : undefined;
  const profiles = meta?.has('profiles') ? meta.object('profiles') : undefined;
  const names = profiles?.keys() ?? [];
  if (names.length > MAX_PROFILES) throw fields.wrong('meta.profiles', `has more than ${MAX_PROFILES} entries`);
  return Object.freeze({
    newNonce: fields.url('newNonce'),
    newAccount: fields.url('newAccount'),
    newOrder: fields.url('newOrder'),
    revokeCert: fields.optionalUrl('revokeCert'),
    // Pebble's ends with a slash, and RFC 9773 section 4.1 adds one.
    renewalInfo: fields.optionalUrl('renewalInfo')?.replace(/\/$/, ''),
    profiles: Object.freeze(
      Object.fromEntries(
        names
          .filter((name) => /^[\w.-]{1,64}$/.test(name) && name !== '__proto__')
          .map((name) => [name, profiles?.optionalText(name, 500) ?? '']),
      ),
    ),
    termsOfService: meta?.optionalText('termsOfService', 2_048),
    externalAccountRequired: meta?.flag('externalAccountRequired') ?? false,
    // What is no domain name is of no use to CAA records, and no reason to do without the CA.
    caaIdentities: Object.freeze(
      (meta?.has('caaIdentities') ? meta.list('caaIdentities', MAX_CAA_IDENTITIES) : [])
        .filter((one) => typeof one === 'string')
        .filter((one) => /^[A-Za-z0-9.-]{1,253}$/.test(one))
        .map((one) => one.toLowerCase()),
    ),
  });
}
