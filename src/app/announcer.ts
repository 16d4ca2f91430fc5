import { createHash } from 'node:crypto';
import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System, Timer } from '../base/system.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Delivery } from '../observe/send-message.ts';
import { renderWarning, type Warning } from '../observe/warning-message.ts';
import type { WarningWay } from '../observe/warning-way.ts';
import type { Announced, Said } from './announced.ts';

/** Something that people are told of when it begins, when it gets worse, and when it is over. */
export interface Matter {
  /** What was said of it is kept under this name: a segment of a store's key. */
  readonly id: string;
  /** What there is to say now, after what was said. Pure; called again before anything is sent. */
  assess(said: Said): { readonly said: Said; readonly warnings: readonly Warning[] };
  /** As it stands; undefined while all is well. */
  readonly active?: ActiveWarning | undefined;
}

/** A warning that holds. */
export interface ActiveWarning {
  readonly id: string;
  readonly about: string;
  readonly level: string;
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly message: string;
  readonly fix: string | undefined;
}

/** Tells people: each warning once, whatever restarts and replicas there are. */
export interface Announcer {
  /** All that there is at the moment. Returns at once; what there is to say is said in the background. */
  look(matters: readonly Matter[]): void;
  /** Begins nothing more, and waits a second at most for what is being sent. Idempotent. */
  close(): Promise<void>;
}

export interface AnnouncerDeps {
  readonly system: System;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly announced: Announced;
  readonly way: WarningWay;
}

/** Milliseconds until the next try: doubled each time, up to an hour, as long as there is something to say. */
const FIRST_PAUSE = 5_000;
const LONGEST_PAUSE = 3_600_000;
/** Milliseconds that a message under way gets when the sidecar stops: cut off, it would come twice. */
const LAST_WORDS = 1_000;
/** Milliseconds until it is looked at again whether the other one has said it. */
const WHILE_ANOTHER_SPEAKS = 5_000;
/** Answers that are about a message and not about who sends it: malformed, too large, not understood. */
const FOR_ITSELF: ReadonlySet<number> = new Set([400, 413, 422]);
/** Messages in one round that may be refused so: after them, it is not the messages. */
const MOST_REFUSED = 3;

/**
 * Posts what there is to say, one message after the other. Whoever speaks holds a lease meanwhile and reads what was said
 * before; it is written down as soon as the other side has taken the message.
 */
export function createAnnouncer(deps: AnnouncerDeps): Announcer {
  const { system, log, metrics, announced, way } = deps;
  const cut = new AbortController();
  let closed = false;
  const known = new Map<string, Said>();
  let matters: readonly Matter[] = [];
  let failures = 0;
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;
  let again = false;

  /** Those that have something to say, as far as is known here. */
  async function findPending(): Promise<Matter[]> {
    const pending: Matter[] = [];
    for (const matter of matters) {
      const said = known.get(matter.id) ?? (await announced.read(matter.id));
      known.set(matter.id, said);
      if (matter.assess(said).warnings.length > 0) pending.push(matter);
    }
    return pending;
  }

  /** Resolves with the milliseconds until the next round; undefined where nothing is left to say. */
  async function round(): Promise<number | undefined> {
    await announced.saveAgain();
    const pending = await findPending();
    if (pending.length === 0) return undefined;
    // What another says it writes down, so it has to be read again.
    for (const { id } of pending) known.delete(id);
    const turn = await announced.speak();
    if (turn === undefined) return WHILE_ANOTHER_SPEAKS;
    try {
      await tellAll(pending);
    } finally {
      await turn.release();
    }
    return undefined;
  }

  /** What is refused for itself is tried again later, and keeps nothing else back. */
  async function tellAll(pending: readonly Matter[]): Promise<void> {
    const refused: NotDelivered[] = [];
    for (const matter of pending) {
      if (closed) break;
      try {
        await tell(matter);
      } catch (error) {
        if (!(error instanceof NotDelivered && error.isForItself)) throw error;
        refused.push(error);
        if (refused.length === MOST_REFUSED) break;
      }
    }
    if (refused[0] !== undefined) throw refused[0];
  }

  async function tell(matter: Matter): Promise<void> {
    const before = await announced.read(matter.id);
    const { said, warnings } = matter.assess(before);
    const told = before.told ?? 0;
    for (const [index, warning] of warnings.entries()) {
      const transaction = nameTransaction(matter.id, told + index, warning);
      const delivery = await way.post(renderWarning(warning), cut.signal, transaction);
      metrics.counter('warningDeliveries', { result: delivery.ok ? 'delivered' : 'failed' }).add();
      if (!delivery.ok) throw new NotDelivered(delivery);
      log.info({ names: warning.names, warning: warning.level }, `A warning was posted to ${way.host}.`);
    }
    const now = { ...said, told: told + warnings.length };
    known.set(matter.id, now);
    if (warnings.length > 0) await announced.write(matter.id, now);
  }

  async function go(): Promise<void> {
    let wait: number | undefined;
    do {
      again = false;
      try {
        wait = await round();
        failures = 0;
      } catch (error) {
        if (cut.signal.aborted) return;
        wait = pauseAfter(error);
      }
    } while (again && failures === 0 && !closed);
    if (wait !== undefined && !closed) timer = system.setTimer(wait, start);
  }

  function pauseAfter(error: unknown): number {
    failures += 1;
    const asked = error instanceof NotDelivered ? (error.retryAfter ?? 0) * 1000 : 0;
    const wait = Math.min(Math.max(FIRST_PAUSE * 2 ** (failures - 1), asked), LONGEST_PAUSE);
    const sentence = `A warning could not be posted to ${way.host}: ${describeError(error)}. It is tried again.`;
    const fields = { code: 'warning-not-delivered', host: way.host, tries: failures };
    // Once for the operator; the metric counts the others.
    if (failures === 1) log.warn(fields, sentence);
    else log.debug(fields, sentence);
    return wait;
  }

  function start(): void {
    if (closed) return;
    timer?.cancel();
    if (running !== undefined) {
      again = true;
      return;
    }
    running = go().finally(() => {
      running = undefined;
    });
  }

  return {
    look(next) {
      matters = next;
      // While the other side is down, its own pace is kept.
      if (failures === 0) start();
    },
    async close() {
      closed = true;
      timer?.cancel();
      const last = system.setTimer(LAST_WORDS, () => cut.abort());
      await running;
      last.cancel();
    },
  };
}

/** The nth message on a matter is the same one, by whomever it is sent, and whatever became of its first try. */
function nameTransaction(id: string, number: number, { event, level }: Warning): string {
  return createHash('sha256').update(`${id} ${number} ${event} ${level}`).digest('hex').slice(0, 32);
}

/** Why the other side has not got a message, and after how many seconds it wants to be asked again. */
class NotDelivered extends Error {
  readonly retryAfter: number | undefined;
  /** It does not like this message; another may do. */
  readonly isForItself: boolean;

  constructor({ why, status, retryAfter }: Delivery & { readonly ok: false }) {
    super(why);
    this.retryAfter = retryAfter;
    this.isForItself = status !== undefined && FOR_ITSELF.has(status);
  }
}
