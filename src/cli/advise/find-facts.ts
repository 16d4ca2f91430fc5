import { readFileSync } from 'node:fs';
import { readAccountRecord } from '../../acme/account-record.ts';
import { caFolder } from '../../acme/ca-folder.ts';
import { parseAcmeDnsAccounts } from '../../acme/solvers/acme-dns.ts';
import { describeError } from '../../base/errors.ts';
import type { System } from '../../base/system.ts';
import type { Config } from '../../config/config.ts';
import { createStore } from '../../store/open-store.ts';
import type { CliIo } from '../io.ts';
import type { FoundFacts } from './gather-advice.ts';

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * Looks up what makes the records exact: the account at the CA, from the store, and the accounts of acme-dns. What is
 * not there or cannot be read is noted on stderr and left open: advice is given without them, too.
 */
export async function findFacts(config: Config, io: CliIo, system: System): Promise<FoundFacts> {
  return { accountUrl: await findAccountUrl(config, io, system), acmeDnsName: findAcmeDnsNames(config, io) };
}

async function findAccountUrl(config: Config, io: CliIo, system: System): Promise<string | undefined> {
  // Only dns-persist-01 has it in a record, which nobody needs whose names all lead here.
  const persists = config.acme.challenges.includes('dns-persist-01');
  if (config.certificates !== 'acme') return undefined;
  if (!persists && config.servers.every(({ apex }) => apex === 'here')) return undefined;
  const key = `acme/${caFolder(config.acme.directory)}/account.json`;
  let store: Awaited<ReturnType<typeof createStore>> | undefined;
  try {
    store = await createStore(config.store, { system, log: SILENT });
    const bytes = await store.read(key);
    return bytes === undefined ? undefined : readAccountRecord(bytes, store.where(key)).url;
  } catch (error) {
    io.stderr(`note: the account at the CA could not be read from the store: ${describeError(error)}\n`);
    return undefined;
  } finally {
    await store?.close();
  }
}

function findAcmeDnsNames(config: Config, io: CliIo): FoundFacts['acmeDnsName'] {
  const { dns } = config.acme;
  if (dns?.provider !== 'acme-dns') return () => undefined;
  try {
    const accounts = parseAcmeDnsAccounts(readFileSync(dns.accountFile, 'utf8'));
    if (!accounts.ok) throw new Error(accounts.why);
    return (name) => (accounts.value.get(name) ?? accounts.value.get(''))?.fulldomain;
  } catch (error) {
    io.stderr(`note: the accounts of acme-dns could not be read: ${describeError(error)}\n`);
    return () => undefined;
  }
}
