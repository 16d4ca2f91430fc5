import { createPrivateKey } from 'node:crypto';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readAccountRecord } from '../../src/acme/account-record.ts';
import { type Ledger, parseLedger } from '../../src/acme/ledger.ts';
import { LEDGER_KEY } from '../../src/acme/ledger-store.ts';
import { parseAnswer } from '../../src/acme/solvers/challenge-store.ts';
import {
  CERTIFICATES_PREFIX,
  type HeldCertificate,
  parseStoredCertificate,
} from '../../src/acme/stored-certificate.ts';
import { readLeaseRecord } from '../../src/store/lease-record.ts';

const TEMPORARY = /^\.(tmp|draft)-/;

interface Entry {
  readonly path: string;
  /** Below the store's folder. */
  readonly key: string;
  readonly name: string;
  readonly isFolder: boolean;
}

async function listEntries(folder: string): Promise<Entry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return { path, key: path.slice(folder.length + 1), name: entry.name, isFolder: entry.isDirectory() };
  });
}

/** Everything in a store of files that is not whole, or that others than its owner could read; empty where all is well. */
export async function findDamage(folder: string): Promise<string[]> {
  const damage: string[] = [];
  for (const { path, key, name, isFolder } of await listEntries(folder)) {
    const facts = await unlessGone(stat(path));
    if (facts === undefined) continue;
    const mode = facts.mode & 0o777;
    if (mode !== (isFolder ? 0o700 : 0o600)) damage.push(`${key} has mode ${mode.toString(8)}`);
    // What was half-written lies beside the values and is no value.
    if (isFolder || TEMPORARY.test(name)) continue;
    const bytes = await unlessGone(readFile(path));
    const why = bytes === undefined ? undefined : judgeValue(key, bytes);
    if (why !== undefined) damage.push(`${key} ${why}`);
  }
  return damage;
}

/** A process may be at work in the store. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Undefined where it is whole. */
function judgeValue(key: string, bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  if (bytes.length === 0) return 'is empty';
  if (key.startsWith('.leases/')) return readLeaseRecord(text) === undefined ? `is no lease: ${text}` : undefined;
  if (key.startsWith(CERTIFICATES_PREFIX)) {
    return parseStoredCertificate(bytes, key) === undefined ? 'is no certificate with its key' : undefined;
  }
  if (key === LEDGER_KEY) return parseLedger(bytes, 0).note;
  if (key.startsWith('acme/challenges/')) return parseAnswer(bytes) === undefined ? 'is no answer' : undefined;
  return judgeOther(key, text);
}

function judgeOther(key: string, text: string): string | undefined {
  try {
    if (key.includes('account')) readAccountRecord(Buffer.from(text), key);
    else if (key.endsWith('.json')) JSON.parse(text);
    const pem = text.includes('-----BEGIN') ? findPem(text) : undefined;
    if (pem !== undefined) createPrivateKey(pem);
    return undefined;
  } catch (error) {
    return `is damaged: ${String(error)}`;
  }
}

/** The private key in a value, also where it is part of JSON. */
function findPem(text: string): string | undefined {
  const found = /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----(\\n|\n)?/s.exec(text)?.[0];
  return found?.replaceAll('\\n', '\n');
}

/** What was half-written when a process was killed. */
export async function listTemporaryFiles(folder: string): Promise<string[]> {
  return (await listEntries(folder)).filter(({ name }) => TEMPORARY.test(name)).map(({ path }) => path);
}

/** The whole certificates in a store. */
export async function readHeldCertificates(folder: string): Promise<HeldCertificate[]> {
  const own = join(folder, CERTIFICATES_PREFIX);
  const held: HeldCertificate[] = [];
  for (const name of await readdir(own).catch(() => [])) {
    if (name.startsWith('.')) continue;
    const one = parseStoredCertificate(await readFile(join(own, name)), name);
    if (one !== undefined) held.push(one);
  }
  return held;
}

/** The ledger in a store; an empty one where there is none. */
export async function readStoredLedger(folder: string): Promise<Ledger> {
  const bytes = await readFile(join(folder, LEDGER_KEY)).catch(() => undefined);
  return parseLedger(bytes, 0).ledger;
}

/** Makes all that the ledger remembers, and what was left half-written, so many milliseconds older. */
export async function ageStore(folder: string, ms: number): Promise<void> {
  const path = join(folder, LEDGER_KEY);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text !== undefined) {
    // Every number of that size in it is an instant.
    const older = JSON.stringify(JSON.parse(text), (_key, value: unknown) =>
      typeof value === 'number' && value > 1e12 ? value - ms : value,
    );
    await writeFile(path, older);
  }
  for (const temporary of await listTemporaryFiles(folder)) {
    const then = ((await stat(temporary)).mtimeMs - ms) / 1000;
    await utimes(temporary, then, then);
  }
}
