import { X509Certificate } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { limitsOfCa } from '../../src/acme/ca-limits.ts';
import { writeRenewalRequest } from '../../src/acme/renewal-request.ts';
import { createFileStore } from '../../src/store/files.ts';
import { type AcmeProcess, acmeYaml, lookAtServed, startAcmeProcess, validateWhere } from './acme-process.ts';
import { type ScriptedCa, startScriptedCa } from './scripted-ca.ts';
import type { ScriptedIssuer } from './scripted-issuer.ts';
import type { SeededRandom } from './seeded-random.ts';
import { pause } from './until.ts';
import { ageStore, findDamage, listTemporaryFiles, readHeldCertificates, readStoredLedger } from './whole-store.ts';

const HOUR = 3_600_000;
/** Milliseconds for a run that nobody kills. A lock that was half-written is not believed for 20 s, which is well. */
const PATIENCE = 45_000;

/** Counts over all lanes. */
export interface KillTally {
  kills: number;
  stores: number;
  orders: number;
  certificates: number;
  /** Files that were found half-written beside the values. */
  temporary: number;
  /** After which request to the CA the kills fell. */
  readonly fell: Record<string, number>;
  readonly damage: string[];
}

/** One store after the other, and a CA of its own. */
export interface KillLane {
  /** Milliseconds and requests to the CA of a run that nobody kills. */
  readonly usual: { ms: number; requests: number };
  /** Runs it once, until it is in force. Later runs are faster: they find the compiled code. */
  measure(): Promise<void>;
  /** Takes over what another lane measured. */
  expect(other: KillLane): void;
  /** Up to `longest` kills on a new store, the last of them once a certificate is in force; `more` ends it early. */
  wearOut(longest: number, greedy: boolean, more: () => boolean): Promise<void>;
  close(): Promise<void>;
}

export async function createKillLane(
  place: { readonly folder: string; readonly resolver: string },
  random: SeededRandom,
  issuer: ScriptedIssuer,
  tally: KillTally,
): Promise<KillLane> {
  const { folder } = place;
  const caFile = join(folder, 'ca.pem');
  const env = { NODE_COMPILE_CACHE: join(folder, '../compiled') };
  const usual = { ms: 0, requests: 0 };
  let running: AcmeProcess | undefined;
  const reallyValidate = validateWhere(async () => (await running?.ports)?.http);
  const ca: ScriptedCa = await startScriptedCa(
    // A real look takes the client a second of waiting, in which nothing happens that a kill could disturb.
    { validate: async (facts) => (random.chance(0.1) ? reallyValidate(facts) : undefined) },
    issuer,
  );
  await mkdir(folder, { recursive: true });
  await writeFile(caFile, ca.caPem);
  let store = '';
  let ordersBefore = 0;

  async function openStore(): Promise<void> {
    tally.stores += 1;
    store = join(folder, `store-${tally.stores}`);
    ordersBefore = ca.orders.made.length;
    await writeFile(join(folder, 'sidecar.yaml'), acmeYaml({ ca, caFile, resolver: place.resolver }, store));
  }

  /** What has to be so before the next run may order. */
  async function readExpectation() {
    const [held] = await readHeldCertificates(store);
    const requests = await createFileStore(store).list('acme/requests/');
    const soon = Date.now() + 10_000;
    const { tries, asked = [] } = await readStoredLedger(store);
    const waits = tries.some(({ next }) => next !== undefined && next.at > soon);
    // A wish that was heard goes from the requests into the ledger, and stays there until it is met.
    const wished = requests.length > 0 || asked.length > 0;
    return { held, made: ca.orders.made.length, mayOrder: wished || (held === undefined && !waits) };
  }

  const isSigned = (der: Buffer): boolean => ca.orders.issued.some((pem) => new X509Certificate(pem).raw.equals(der));

  function complain(what: string): void {
    const lines = running?.log().map(({ msg }) => `\n    ${String(msg)}`) ?? [];
    tally.damage.push(`${store.slice(folder.length - 6)} at kill ${tally.kills}: ${what}${lines.join('')}`);
  }

  /** One run, until `moment` resolves, and then its death. */
  async function run(moment: (started: AcmeProcess, requests: number) => Promise<unknown>): Promise<void> {
    const before = await readExpectation();
    const requests = ca.seen.length;
    const started = startAcmeProcess({ folder, env });
    running = started;
    const looked = started.ports.then(async (ports) => {
      if (ports === undefined) return;
      const served = await lookAtServed(ports.https).catch(() => undefined);
      if (served?.bootstrap === true && before.held !== undefined) complain('serves a bootstrap certificate again');
      if (served?.bootstrap === false && !isSigned(served.der)) complain('serves what the CA has not signed');
    });
    await moment(started, requests);
    started.child.kill('SIGKILL');
    const exit = await started.exited;
    await looked;
    // What it had sent is still read.
    await pause(20);
    tally.kills += 1;
    if (exit.signal !== 'SIGKILL') complain(`ended by itself: ${JSON.stringify(exit)} ${started.stderr()}`);
    const last = ca.seen.length === requests ? 'none' : ca.seen.at(-1)!.step;
    tally.fell[last] = (tally.fell[last] ?? 0) + 1;
    await judge(before);
  }

  async function judge(before: Awaited<ReturnType<typeof readExpectation>>): Promise<void> {
    for (const damage of await findDamage(store)) complain(damage);
    const held = await readHeldCertificates(store);
    if (before.held !== undefined && held.length === 0) complain('has lost its certificate');
    const made = ca.orders.made.length - before.made;
    if (made > (before.mayOrder ? 1 : 0))
      complain(`${made} orders where ${before.mayOrder ? 'one' : 'none'} was allowed`);
    tally.orders += made;
    const ofStore = ca.orders.made.slice(ordersBefore);
    const { nextOrder } = await readStoredLedger(store);
    if (ofStore.length > nextOrder - 1) complain(`${ofStore.length} orders, and ${nextOrder - 1} in the ledger`);
    tally.temporary = Math.max(tally.temporary, (await listTemporaryFiles(store)).length);
  }

  async function untilServed(started: AcmeProcess): Promise<void> {
    const ports = await started.ports;
    if (ports === undefined) throw new Error(`It did not start: ${started.stdout()}${started.stderr()}`);
    for (const end = performance.now() + PATIENCE; performance.now() < end; await pause(20)) {
      const [held] = await readHeldCertificates(store);
      const served = await lookAtServed(ports.https).catch(() => undefined);
      if (served !== undefined && held?.certificate.chain[0]?.raw.equals(served.der) === true) return;
    }
    complain(`serves no stored certificate after ${PATIENCE / 1000} s`);
  }

  /** At a random instant of the run, or a random while after a random request to the CA. */
  async function untilRandomInstant(_started: AcmeProcess, requests: number): Promise<void> {
    const patience = usual.ms;
    const began = performance.now();
    if (random.chance(0.3)) return pause(random.fraction() * patience);
    const wanted = requests + random.between(1, usual.requests);
    while (ca.seen.length < wanted && performance.now() - began < patience) await pause(1);
    await pause(random.fraction() * 30);
  }

  async function ask(): Promise<void> {
    await writeRenewalRequest(createFileStore(store), { sets: 'all' });
  }

  return {
    usual,
    async measure() {
      await openStore();
      const [began, requests] = [performance.now(), ca.seen.length];
      const started = startAcmeProcess({ folder, env });
      running = started;
      await untilServed(started);
      Object.assign(usual, { ms: performance.now() - began, requests: ca.seen.length - requests });
      // Only a process that ends by itself leaves its compiled code for the next one.
      started.child.kill('SIGTERM');
      await started.exited;
    },
    expect: (other) => void Object.assign(usual, other.usual),
    async wearOut(longest, greedy, more) {
      await openStore();
      for (let left = random.between(1, longest); left > 0 && more(); left--) {
        await run(untilRandomInstant);
        if (!greedy && random.chance(0.7)) await ageStore(store, 4 * HOUR);
        if (greedy || random.chance(0.7)) await ask();
      }
      await ageStore(store, greedy ? 0 : 4 * HOUR);
      await ask();
      await run(async (started) => {
        await untilServed(started);
        await pause(random.fraction() * 30);
      });
      const issued = ca.orders.made.slice(ordersBefore).filter(({ leaf }) => leaf !== undefined).length;
      tally.certificates += issued;
      const { count } = limitsOfCa(ca.directoryUrl).certificatesPerSet;
      if (greedy && issued > count) complain(`${issued} certificates, where ${count} are the limit`);
      for (const path of await listTemporaryFiles(store)) {
        const old = Date.now() - (await stat(path)).mtimeMs > HOUR;
        if (old) complain(`${path} was not cleared away`);
      }
    },
    async close() {
      await running?.close();
      await ca.close();
    },
  };
}
