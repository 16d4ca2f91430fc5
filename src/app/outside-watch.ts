import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System, Timer } from '../base/system.ts';
import type { Config, ServerConfig } from '../config/config.ts';
import type { Store } from '../store/store.ts';
import type { Matter } from './announcer.ts';
import { isDue, type LookRecord, noteLook, readLookRecord, type Seen, standingOf } from './look-record.ts';
import { createStandingMatter, nameMatter } from './standing-matter.ts';
import type { WarningBoard } from './warning-board.ts';

/** Something of a server that is looked at from outside. */
export interface Subject {
  readonly id: string;
  readonly about: 'federation' | 'apex';
  readonly server: ServerConfig;
}

/** Looks now and then whether others still find and reach the servers, and tells when they do not. */
export interface OutsideWatch {
  /** What is known now is told again, as after a reload. */
  tell(): void;
  /** Ends looks under way; resolves when the store is not written any more. Idempotent. */
  close(): Promise<void>;
}

export interface OutsideWatchDeps {
  readonly system: System;
  readonly log: Log;
  config(): Config;
  store(): Pick<Store, 'read' | 'write' | 'acquireLease'>;
  board(): Pick<WarningBoard, 'put'>;
  /** One look. Rejects with the signal's reason only. */
  look(subject: Subject, config: Config, signal: AbortSignal): Promise<Seen>;
  /** Whether its homeserver is away, which is told by somebody else. */
  isAway(server: ServerConfig): boolean;
}

/** Milliseconds until the first round, at least and at most: certificates and other services have come by then. */
const FIRST = { least: 3 * 60_000, most: 5 * 60_000 } as const;
/** Milliseconds between rounds, and until what another may have seen is read again. */
const PAUSE = 60_000;
const READ_AGAIN = 5 * 60_000;
/** Looks at a time, and in one round. */
const AT_ONCE = 4;
const MOST = 24;
const LEASE = 'looks';

/** One of those who share a store looks, for all of them; what was seen is kept there, also over restarts. */
export function createOutsideWatch(deps: OutsideWatchDeps): OutsideWatch {
  const { system, log } = deps;
  const stop = new AbortController();
  const known = new Map<string, { readonly record: LookRecord | undefined; readonly readAt: number }>();
  let storing: Promise<unknown> = Promise.resolve();
  let timer: Timer = system.setTimer(FIRST.least + (FIRST.most - FIRST.least) * chance(), begin);

  function chance(): number {
    return system.randomBytes(1)[0]! / 255;
  }

  function begin(): void {
    const going = round().catch((error: unknown) => {
      if (!stop.signal.aborted) log.debug({ err: error }, `A look from outside failed: ${describeError(error)}`);
    });
    void going.then(() => {
      if (!stop.signal.aborted) timer = system.setTimer(PAUSE, begin);
    });
  }

  /** The store may be closed once nothing of this is under way. */
  function keepTrack<T>(work: Promise<T>): Promise<T> {
    storing = Promise.allSettled([storing, work]);
    return work;
  }

  async function round(): Promise<void> {
    const subjects = listSubjects(deps.config());
    for (const id of known.keys()) if (!subjects.some((one) => one.id === id)) known.delete(id);
    for (const subject of subjects) await refresh(subject, READ_AGAIN);
    const nextOf = ({ id }: Subject): number => known.get(id)?.record?.next ?? 0;
    const due = subjects.filter(({ id }) => isDue(known.get(id)?.record, system.now()));
    // Of more than there is time for, whoever waits longest: else the last would never have their turn.
    due.sort((a, b) => nextOf(a) - nextOf(b));
    if (due.length > 0) await lookAll(due.slice(0, MOST));
    tell();
  }

  /** Reads what is kept of it, unless that was done less than `most` milliseconds ago. */
  async function refresh(subject: Subject, most: number): Promise<void> {
    const old = known.get(subject.id);
    if (old !== undefined && system.monotonic() - old.readAt < most) return;
    try {
      const record = readLookRecord(await deps.store().read(keyOf(subject)));
      // A store that could not be written has less than is known here.
      if ((record?.at ?? 0) >= (old?.record?.at ?? 0)) learn(subject, record);
    } catch (error) {
      log.debug({ err: error }, `What was seen from outside cannot be read: ${describeError(error)}`);
    }
  }

  /** Only one at a time looks: nothing is looked at twice. Without a working store, each does. */
  async function lookAll(due: readonly Subject[]): Promise<void> {
    stop.signal.throwIfAborted();
    const asked = deps.store().acquireLease(LEASE);
    const lease = await keepTrack(asked).catch(() => ({ release: async () => {} }));
    if (lease === undefined) return;
    try {
      for (let begun = 0; begun < due.length; begun += AT_ONCE)
        await Promise.all(due.slice(begun, begun + AT_ONCE).map((subject) => lookAt(subject)));
    } finally {
      await keepTrack(lease.release());
    }
  }

  async function lookAt(subject: Subject): Promise<void> {
    await refresh(subject, 0);
    const before = known.get(subject.id)?.record;
    if (!isDue(before, system.now())) return;
    stop.signal.throwIfAborted();
    const away = subject.about === 'federation' && deps.isAway(subject.server);
    const seen = away ? ({ kind: 'unsure' } as const) : await deps.look(subject, deps.config(), stop.signal);
    stop.signal.throwIfAborted();
    const record = noteLook(before, seen, system.now(), chance());
    learn(subject, record);
    try {
      await keepTrack(deps.store().write(keyOf(subject), Buffer.from(`${JSON.stringify(record)}\n`)));
    } catch (error) {
      log.debug({ err: error }, `What was seen from outside cannot be kept: ${describeError(error)}`);
    }
  }

  function learn(subject: Subject, record: LookRecord | undefined): void {
    const before = known.get(subject.id)?.record?.trouble ?? null;
    known.set(subject.id, { record, readAt: system.monotonic() });
    const trouble = record?.trouble ?? null;
    if ((before === null) === (trouble === null)) return;
    const names = [subject.server.serverName.text];
    if (trouble === null) return log.info({ names }, describeRelief(subject));
    const isApex = subject.about === 'apex';
    const fields = { code: isApex ? 'apex-drifted' : 'federation-broken', names, fix: trouble.fix };
    log.error(fields, trouble.message);
  }

  function tell(): void {
    deps.board().put(
      'outside',
      listSubjects(deps.config()).flatMap((subject) => {
        const record = known.get(subject.id)?.record;
        return record === undefined ? [] : (describeMatter(subject, record) ?? []);
      }),
    );
  }

  return {
    tell,
    async close() {
      stop.abort(new Error('The sidecar stops.'));
      timer.cancel();
      await storing;
    },
  };
}

function listSubjects({ servers }: Config): readonly Subject[] {
  const subject = (about: Subject['about'], server: ServerConfig): Subject => {
    return { id: nameMatter(about, server.serverName.text), about, server };
  };
  return servers.flatMap((server) => [
    subject('federation', server),
    ...(server.apex === 'elsewhere' && server.serverName.kind === 'dns' ? [subject('apex', server)] : []),
  ]);
}

function keyOf({ id }: Subject): string {
  return `looks/${id}.json`;
}

function describeMatter(subject: Subject, record: LookRecord): Matter | undefined {
  const standing = standingOf(record);
  if (standing === 'unsure') return undefined;
  const { id, about, server } = subject;
  const level = about === 'apex' ? 'drifted' : 'broken';
  const names = [server.serverName.text];
  return createStandingMatter({
    ...{ id, about, level, names },
    trouble: record.trouble ?? undefined,
    relief: describeRelief(subject),
  });
}

function describeRelief({ about, server: { serverName } }: Subject): string {
  if (about === 'apex') return `https://${serverName.host} publishes again what it should for ${serverName.text}.`;
  return `Other servers can federate with ${serverName.text} again.`;
}
