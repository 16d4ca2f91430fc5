import { bad, good, type Parsed } from '../../base/parsed.ts';
import { answeredWith, type CallApi, readObject } from './call-api.ts';
import { type ChallengeRecord, type DnsProvider, providerFailed } from './dns-provider.ts';

/** What an acme-dns server answered to `/register`. */
export interface AcmeDnsAccount {
  readonly username: string;
  readonly password: string;
  /** `d420c923-bbd7-4056-ab64-c3ca54c9b3cf.auth.example.org` */
  readonly fulldomain: string;
  readonly subdomain: string;
}

export interface AcmeDnsSlice {
  /** `https://auth.example.org` */
  readonly server: string;
  /** By the name that the certificate is for; `''` is for all. */
  readonly accounts: ReadonlyMap<string, AcmeDnsAccount>;
}

const TITLE = 'acme-dns';

/**
 * Reads accounts: one as `/register` answers it, for all names, or an object of them by name, as lego and the
 * acme-dns clients of certbot store them.
 */
export function parseAcmeDnsAccounts(text: string): Parsed<ReadonlyMap<string, AcmeDnsAccount>> {
  const object = readObject(text);
  if (object === undefined) return bad('the file with the acme-dns account holds no JSON object');
  const single = readAccount(object);
  if (single !== undefined) return good(new Map([['', single]]));
  const accounts = new Map<string, AcmeDnsAccount>();
  for (const [name, value] of Object.entries(object)) {
    const account = readAccount(value);
    if (account === undefined)
      return bad(`the acme-dns account ${JSON.stringify(name)} lacks username, password, fulldomain or subdomain`);
    accounts.set(name.toLowerCase(), account);
  }
  return accounts.size === 0 ? bad('the file with the acme-dns account holds none') : good(accounts);
}

function readAccount(value: unknown): AcmeDnsAccount | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { username, password, fulldomain, subdomain } = value as Readonly<Record<string, unknown>>;
  if (typeof username !== 'string' || typeof password !== 'string') return undefined;
  if (typeof fulldomain !== 'string' || typeof subdomain !== 'string') return undefined;
  return { username, password, subdomain, fulldomain: fulldomain.toLowerCase().replace(/\.$/, '') };
}

/**
 * An acme-dns server (https://github.com/joohoi/acme-dns): a small name server only for challenges, to which a CNAME
 * leads. It keeps the last two values of a name, so nothing is ever removed.
 */
export function createAcmeDnsProvider(slice: AcmeDnsSlice, deps: { readonly call: CallApi }): DnsProvider {
  const server = slice.server.replace(/\/+$/, '');

  function accountFor({ name, task }: ChallengeRecord): AcmeDnsAccount {
    const account = slice.accounts.get(task.identifier.value.toLowerCase()) ?? slice.accounts.get('');
    if (account === undefined) {
      throw providerFailed(TITLE, `there is no account for ${task.identifier.value}`, {
        blame: 'operator',
        hint: `Register one (curl -X POST ${server}/register) and add its answer to the file of accounts under that name.`,
      });
    }
    if (account.fulldomain !== name) {
      throw providerFailed(TITLE, `${name} is not where the account writes, which is ${account.fulldomain}`, {
        blame: 'operator',
        hint: `Publish once: _acme-challenge.${task.identifier.value}. IN CNAME ${account.fulldomain}.`,
      });
    }
    return account;
  }

  return {
    title: TITLE,
    async set(record, signal) {
      const { username, password, subdomain } = accountFor(record);
      const answer = await deps.call({
        method: 'POST',
        url: `${server}/update`,
        headers: { 'x-api-user': username, 'x-api-key': password },
        body: { subdomain, txt: record.value },
        signal,
      });
      if (answer.status === 200 && readObject(answer.text)?.['txt'] === record.value) return;
      const words = readObject(answer.text)?.['error'];
      const hint = 'Check server and account, and that the account is allowed from this address (allowfrom).';
      throw answeredWith(TITLE, answer, typeof words === 'string' ? words : answer.text, hint);
    },
    async unset() {},
  };
}
