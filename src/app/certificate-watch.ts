import {
  assessRisk,
  NO_RISK,
  nextRiskChange,
  type RiskEvent,
  type RiskLevel,
  type RiskState,
  riskBegan,
} from '../acme/warn.ts';
import type { Log } from '../base/log.ts';
import type { System, Timer } from '../base/system.ts';
import type { Warning } from '../observe/warning-message.ts';
import type { Said } from './announced.ts';
import type { ActiveWarning, Matter } from './announcer.ts';
import { type CertificateOutlook, keepWorst } from './certificate-outlook.ts';
import type { WarningBoard } from './warning-board.ts';

/** Watches how near the certificates are to their end, and tells the log and the webhook. */
export interface CertificateWatch {
  /** Something changed: looks at once. */
  look(): void;
  /** Idempotent. */
  close(): void;
}

export interface CertificateWatchDeps {
  readonly system: System;
  readonly log: Log;
  outlooks(): readonly CertificateOutlook[];
  readonly board: Pick<WarningBoard, 'put'>;
}

/** Milliseconds until the first look: whoever orders certificates has found out by then what is next. */
const FIRST_LOOK = 15_000;
/** The clock may be set, and what is next may change. */
const LONGEST_PAUSE = 10 * 60_000;
/** Milliseconds for which nothing is said while more will be known soon, and until it is looked whether it is. */
const PATIENCE = 15 * 60_000;
const SOON = 30_000;
/** What troubleshooting calls it. */
const CODES: Readonly<Record<RiskLevel, string>> = {
  ok: 'certificate-expires-soon',
  'at-risk': 'certificate-expires-soon',
  emergency: 'certificate-expires-soon',
  expired: 'certificate-expired',
};

/** The log of each process hears of each level once; whoever is told by the webhook hears of it once in all. */
export function createCertificateWatch(deps: CertificateWatchDeps): CertificateWatch {
  const { system, log, board } = deps;
  const logged = new Map<string, RiskState>();
  /** Since when more is awaited, on the monotonic clock, by certificate and level. */
  const awaited = new Map<string, number>();
  let closed = false;
  let timer: Timer = system.setTimer(FIRST_LOOK, look);

  function look(): void {
    if (closed) return;
    timer.cancel();
    // Before the first certificate there is nothing to lose.
    const outlooks = keepWorst(deps.outlooks()).filter(({ level }) => level !== 'missing');
    const now = system.now();
    const settled = chooseSettled(outlooks);
    for (const outlook of settled) {
      const { state, events } = assess(outlook, logged.get(outlook.id) ?? NO_RISK, now);
      logged.set(outlook.id, state);
      for (const event of events) tellLog(log, outlook, event);
    }
    board.put(
      'certificates',
      settled.map((outlook) => createMatter(outlook, system)),
    );
    const longest = settled.length < outlooks.length ? SOON : LONGEST_PAUSE;
    const changes = outlooks.flatMap(({ certificate }) => nextRiskChange(certificate, now) ?? []);
    timer = system.setTimer(Math.max(1, Math.min(longest, ...changes.map((at) => at - now))), look);
  }

  /** Those of which something can be said: who orders them knows best, but may not be there. */
  function chooseSettled(outlooks: readonly CertificateOutlook[]): CertificateOutlook[] {
    const now = system.monotonic();
    const before = new Map(awaited);
    awaited.clear();
    return outlooks.filter(({ id, level, unsettled }) => {
      if (!unsettled) return true;
      const key = `${id} ${level}`;
      const since = before.get(key) ?? now;
      awaited.set(key, since);
      return now - since >= PATIENCE;
    });
  }

  return {
    look,
    close() {
      closed = true;
      timer.cancel();
    },
  };
}

function assess({ names, certificate, next }: CertificateOutlook, before: RiskState, now: number) {
  return assessRisk(before, { certificate: names.join(', '), validity: certificate, next }, now);
}

function tellLog(log: Log, { names, next }: CertificateOutlook, { event, level, message }: RiskEvent): void {
  const attempt = next?.at === undefined ? {} : { next: new Date(next.at).toISOString() };
  const fields = { code: CODES[level], names, risk: level, ...attempt };
  if (event === 'over') log.info({ names, risk: level }, message);
  else if (level === 'at-risk') log.warn(fields, message);
  else log.error(fields, message);
}

function createMatter(outlook: CertificateOutlook, system: System): Matter {
  return {
    id: outlook.id,
    active: describeActive(outlook, system.now()),
    assess(said) {
      const { state, events } = assess(outlook, readState(said), system.now());
      return { said: state, warnings: events.map((event) => describe(outlook, event)) };
    },
  };
}

function describeActive(outlook: CertificateOutlook, now: number): ActiveWarning | undefined {
  const [risk] = assess(outlook, NO_RISK, now).events;
  if (risk === undefined) return undefined;
  const { id, names, certificate } = outlook;
  const { level, message } = risk;
  const fix = 'matrix-sidecar certs list says what holds it up.';
  return { ...{ id, about: 'certificate', level, names, message, fix }, since: riskBegan(certificate) };
}

function describe({ names, certificate, next }: CertificateOutlook, risk: RiskEvent): Warning {
  const { event, level, message } = risk;
  const ahead = event === 'over' ? undefined : next;
  return {
    ...{ about: 'certificate', event, level, names, message },
    ...{ expires: certificate.notAfter, nextAttempt: ahead?.at, why: ahead?.why },
  };
}

function readState({ level, announced }: Said): RiskState {
  return { level: isLevel(level) ? level : 'ok', announced: announced.filter(isLevel) };
}

function isLevel(text: string): text is RiskLevel {
  return Object.hasOwn(CODES, text);
}
