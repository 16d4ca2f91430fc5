import { type Ca, createCa } from '../../src/acme/ca.ts';
import { createCaClock } from '../../src/acme/ca-clock.ts';
import { limitsOfCa } from '../../src/acme/ca-limits.ts';
import type { PlannedCa } from '../../src/acme/ca-plan.ts';
import { type AcmeKeeper, createAcmeKeeper } from '../../src/acme/keeper.ts';
import type { AcmeKeeperDeps, AcmeKeeperSlice } from '../../src/acme/keeper-contract.ts';
import { type NameSet, planSets } from '../../src/acme/names.ts';
import { createFileStore } from '../../src/store/files.ts';
import type { Store } from '../../src/store/store.ts';
import type { Certificate } from '../../src/tls/certificate.ts';
import type { ScriptedCa } from '../harness/scripted-ca.ts';
import { createRecordingLog, type RecordingLog } from '../tls/recording-log.ts';
import { createNotingSolver } from './open-ca.ts';
import type { VirtualSystem } from './virtual-system.ts';

/** What a process has under it, and what may happen to it there. */
export interface LifeWish {
  /** The store's folder. */
  readonly folder: string;
  readonly scripted: ScriptedCa;
  /** Where one rehearses. */
  readonly staging?: ScriptedCa;
  readonly system: VirtualSystem;
  readonly sets: readonly NameSet[];
  /**
   * Called for every call of the store (`write acme/ledger.json`) and of the CA (`finalize`), before it is made and
   * after it was. May kill the process, which then never hears of it; what it throws, the call is rejected with.
   */
  readonly around?: ((when: 'before' | 'after', what: string, life: KeeperLife) => void) | undefined;
  readonly preflight?: AcmeKeeperDeps['preflight'];
  readonly selfCheck?: AcmeKeeperDeps['selfCheck'];
  /** Another certificate is served for one of the sets. */
  readonly onChange?: (life: KeeperLife) => void;
  /** The CA as the ledger calls it, whose published limits count; by default one that nothing is known of. */
  readonly knownAs?: string;
}

/** One process that keeps certificates: the real keeper, the real store of files, the real client of a CA on a socket. */
export interface KeeperLife {
  readonly keeper: AcmeKeeper;
  readonly store: Store;
  readonly log: RecordingLog;
  /** Of the certificate that is served for a set. */
  served(set: NameSet): Pick<Certificate, 'notBefore' | 'notAfter' | 'fingerprint256'> | undefined;
  /** It was killed, or has ended. */
  readonly killed: boolean;
  /** As SIGKILL does: nothing that it began is gone on with, and nothing is put away. */
  kill(): void;
  /** As SIGTERM does. Resolves when the process is gone, as after `kill`. */
  end(): Promise<void>;
}

export function setOf(...names: string[]): NameSet {
  const needed = names.map((name) => ({ name, why: 'the test wants it' }));
  return planSets([{ server: names[0]!, needed }])[0]!;
}

/** Starts a process; it has read its certificates when this resolves, or was killed meanwhile. */
export async function startLife(wish: LifeWish): Promise<KeeperLife> {
  const { scripted, system } = wish;
  const process = system.forProcess();
  const log = createRecordingLog();
  const clock = createCaClock({ system: process.system, log });
  const files = createFileStore(wish.folder);
  let dead = false;
  const died = Promise.withResolvers<void>();

  /** One call that the process makes: the clock waits for it, and a dead process hears of nothing. */
  async function call<T>(what: string, work: () => Promise<T>): Promise<T> {
    const never = new Promise<never>(() => {});
    if (dead) return never;
    wish.around?.('before', what, life);
    if (dead) return never;
    try {
      const value = await system.track(work());
      if (!dead) wish.around?.('after', what, life);
      return dead ? await never : value;
    } catch (error) {
      if (dead) await never;
      throw error;
    }
  }

  const store: Store = {
    read: (key) => call(`read ${key}`, () => files.read(key)),
    write: (key, bytes) => call(`write ${key}`, () => files.write(key, bytes)),
    remove: (key) => call(`remove ${key}`, () => files.remove(key)),
    list: (prefix) => call(`list ${prefix}`, () => files.list(prefix)),
    where: (key) => files.where(key),
    onChange: () => () => {},
    async acquireLease(name) {
      const lease = await call(`lease ${name}`, () => files.acquireLease(name));
      return lease && { ...lease, write: (key, bytes) => call(`write ${key}`, () => lease.write(key, bytes)) };
    },
    close: () => files.close(),
  };
  const cas: Ca[] = [];
  const plan = ({ directoryUrl, caPem }: ScriptedCa, folder: string): PlannedCa => {
    const ca = createCa(
      { directoryUrl, caFile: caPem, termsAgreed: true },
      { system: process.system, store: files, log, hearTime: clock.heard },
    );
    cas.push(ca);
    return { ca: watchCa(ca, call), folder, limits: limitsOfCa(wish.knownAs ?? directoryUrl) };
  };
  const staging = wish.staging === undefined ? undefined : plan(wish.staging, 'staging');
  const slice: AcmeKeeperSlice = {
    sets: wish.sets,
    cas: { production: [plan(scripted, 'ca')], staging },
    challenges: ['http-01'],
    listeners: { http: true, https: true },
    keyType: 'ecdsa-p256',
    profile: undefined,
  };
  const keeper = createAcmeKeeper(slice, {
    system: process.system,
    clock,
    log,
    store,
    solvers: new Map([['http-01', createNotingSolver('http-01')]]),
    preflight: wish.preflight,
    selfCheck: wish.selfCheck,
    onAttempt: () => {},
  });
  const sources = new Map(wish.sets.map((set) => [set.id, keeper.sourceFor(set.id)]));
  let gone: Promise<void> | undefined;
  const die = (): Promise<void> => {
    dead = true;
    process.end();
    died.resolve();
    gone ??= Promise.all([files.close(), ...cas.map((ca) => ca.close())]).then(() => {});
    return gone;
  };
  const life: KeeperLife = {
    keeper,
    store: files,
    log,
    get killed() {
      return dead;
    },
    served: (set) => sources.get(set.id)?.current(),
    kill: () => void die(),
    async end() {
      if (!dead) await keeper.close();
      await die();
    },
  };
  for (const source of sources.values()) {
    source.onChange(() => wish.onChange?.(life));
    await Promise.race([source.load(), died.promise]);
  }
  return life;
}

/** The CA with each of its requests as one call. */
function watchCa(ca: Ca, call: <T>(what: string, work: () => Promise<T>) => Promise<T>): Ca {
  return {
    ...ca,
    directory: (signal) => call('directory', () => ca.directory(signal)),
    account: (signal) => call('account', () => ca.account(signal)),
    newOrder: (wish, signal) => call('newOrder', () => ca.newOrder(wish, signal)),
    readOrder: (url, signal) => call('readOrder', () => ca.readOrder(url, signal)),
    readAuthorization: (url, signal) => call('readAuthorization', () => ca.readAuthorization(url, signal)),
    startChallenge: (url, signal) => call('startChallenge', () => ca.startChallenge(url, signal)),
    finalize: (order, csr, signal) => call('finalize', () => ca.finalize(order, csr, signal)),
    downloadCertificate: (order, signal) => call('downloadCertificate', () => ca.downloadCertificate(order, signal)),
    askTime: (signal) => call('askTime', () => ca.askTime(signal)),
    renewalInfo: (id, signal) => call('renewalInfo', () => ca.renewalInfo(id, signal)),
  };
}
