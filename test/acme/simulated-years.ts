import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ariCertificateId } from '../../src/acme/ari-certificate-id.ts';
import type { NameSet } from '../../src/acme/names.ts';
import { type Fault, type ScriptedCa, type Step, startScriptedCa } from '../harness/scripted-ca.ts';
import type { ScriptedIssuer } from '../harness/scripted-issuer.ts';
import { type Answer, problem } from '../harness/scripted-rules.ts';
import { type KeeperLife, startLife } from './keeper-life.ts';
import { DAY, dice, HOUR, MINUTE } from './ledger-facts.ts';
import { drawSpans, type Span, within } from './simulated-world.ts';
import { createVirtualSystem } from './virtual-system.ts';

export interface YearsWish {
  readonly seed: number;
  readonly issuer: ScriptedIssuer;
  readonly span: Span;
  readonly sets: readonly NameSet[];
  /** Of certificates, in milliseconds, with and without the profile `shortlived`. */
  readonly lifetime: number;
  readonly shortLifetime: number;
  /** The mean milliseconds between outages of the CA that last for up to five days; undefined where it has none. */
  readonly outagesEvery: number | undefined;
  /** The same for the names not leading here. */
  readonly unprovableEvery: number | undefined;
  /** The mean milliseconds between restarts, half of them with SIGKILL. */
  readonly restartsEvery: number;
  /** The chance of being killed at a call of the CA or a write, one before and one after. */
  readonly killed: number;
  /** The chance that a request meets a fault of the CA. */
  readonly faults: number;
  /** Seconds between questions for the CA's advice; undefined where it gives none. */
  readonly adviceEvery: number | undefined;
}

/** A span in which one certificate was served for one set of names. */
export interface Served extends Span {
  readonly set: NameSet;
  /** Undefined for the bootstrap certificate. */
  readonly notBefore: number | undefined;
  readonly notAfter: number | undefined;
  readonly fingerprint256: string;
}

export interface YearsReport {
  readonly scripted: ScriptedCa;
  readonly served: readonly Served[];
  /** When nothing could be had: the CA was down, the names did not lead here, no process ran. */
  readonly troubles: readonly Span[];
  /** Of the failed validations, by name. */
  readonly failed: ReadonlyMap<string, readonly number[]>;
  /** Orders that the CA made and whose URL nobody stored, for the process died, or the answer was cut off. */
  readonly unheard: number;
  readonly lives: number;
  readonly kills: number;
}

/** The real keeper over the span, with real files and a real socket to the CA, in a world where all goes wrong at times. */
export async function liveThroughYears(wish: YearsWish): Promise<YearsReport> {
  const random = dice(wish.seed);
  const system = createVirtualSystem(wish.span.from, wish.seed);
  const days = (least: number, most: number) => () => (least + random() * (most - least)) * DAY;
  const spans = (every: number | undefined, length: () => number): Span[] =>
    every === undefined ? [] : drawSpans(wish.span, every, length, random);
  const outages = spans(wish.outagesEvery, days(0.1, 5));
  const unprovable = spans(wish.unprovableEvery, days(0.1, 5));
  const failed = new Map<string, number[]>();
  const scripted = await startScriptedCa(
    {
      now: () => system.trueNow(),
      lifetime: wish.lifetime - HOUR,
      lifetimes: { shortlived: wish.shortLifetime - HOUR },
      profiles: { shortlived: 'lives for days' },
      pendingReads: 1,
      processingReads: 1,
      async validate({ name }) {
        if (!within(unprovable, system.trueNow())) return undefined;
        failed.set(name, [...(failed.get(name) ?? []), system.trueNow()]);
        return { type: 'connection', detail: `${name} does not answer` };
      },
      ...(wish.adviceEvery === undefined ? {} : { renewalInfo: (id) => advise(id) }),
    },
    wish.issuer,
  );
  scripted.chooseFaults((step) => (random() < wish.faults ? drawFault(step, random) : undefined));
  const folder = await mkdtemp(join(tmpdir(), 'sidecar-years-'));

  const advice = new Map<string, Span>();
  let advised = 0;
  /** The window that Let's Encrypt gives: around two thirds of the lifetime, half of a short one. */
  function advise(id: string): Answer {
    const { made } = scripted.orders;
    for (const { leaf, issuedAt, profile } of made.slice(advised)) {
      if (leaf === undefined || issuedAt === undefined) continue;
      const lifetime = profile === undefined ? wish.lifetime : wish.shortLifetime;
      const middle = issuedAt - HOUR + lifetime * (profile === undefined ? 2 / 3 : 1 / 2);
      advice.set(ariCertificateId(leaf)!, { from: middle - lifetime / 50, to: middle + lifetime / 50 });
    }
    advised = made.findIndex(({ leaf }) => leaf === undefined);
    if (advised === -1) advised = made.length;
    const window = advice.get(id);
    if (window === undefined) return problem(404, 'malformed', 'no such certificate');
    const instant = (at: number): string => new Date(at).toISOString();
    const suggestedWindow = { start: instant(window.from), end: instant(window.to) };
    return { status: 200, headers: { 'retry-after': `${wish.adviceEvery}` }, body: { suggestedWindow } };
  }

  const served: Served[] = [];
  const down: Span[] = [];
  let [lives, kills, unheard] = [0, 0, 0];
  let unheardNow = false;
  let life: KeeperLife | undefined;

  function around(when: 'before' | 'after', what: string, self: KeeperLife): void {
    if (when === 'after' && what === 'newOrder') unheardNow = true;
    if (when === 'after' && what === 'write acme/ledger.json') unheardNow = false;
    if (what.startsWith('read ') || what.startsWith('lease') || random() >= wish.killed) return;
    kills++;
    if (unheardNow) unheard++;
    unheardNow = false;
    self.kill();
  }

  /** Notes what is served from now on. */
  function note(self: KeeperLife): void {
    const now = system.trueNow();
    for (const set of wish.sets) {
      const certificate = self.served(set);
      const last = served.findLast((one) => one.set === set && one.to === Number.POSITIVE_INFINITY);
      if (certificate === undefined || last?.fingerprint256 === certificate.fingerprint256) continue;
      if (last !== undefined) served[served.indexOf(last)] = { ...last, to: now };
      const real = self.keeper.status().find(({ id }) => id === set.id)?.notAfter !== undefined;
      const { notBefore, notAfter, fingerprint256 } = certificate;
      const validity = real ? { notBefore, notAfter } : { notBefore: undefined, notAfter: undefined };
      served.push({ set, from: now, to: Number.POSITIVE_INFINITY, fingerprint256, ...validity });
    }
  }

  function noteEnd(): void {
    const now = system.trueNow();
    for (const [index, one] of served.entries())
      if (one.to === Number.POSITIVE_INFINITY) served[index] = { ...one, to: now };
  }

  /** A process from its start until `until`, or until it is killed. */
  async function live(until: number): Promise<void> {
    lives++;
    let over = false;
    const wishes = {
      folder,
      scripted,
      system,
      sets: wish.sets,
      knownAs: 'https://acme-v02.api.letsencrypt.org/directory',
    };
    life = await startLife({
      ...wishes,
      around(when, what, self) {
        around(when, what, self);
        over = self.killed;
      },
      onChange: note,
    });
    note(life);
    for (const boundary of [...boundaries, until]) {
      if (boundary <= system.trueNow()) continue;
      scripted.rules.down = within(outages, system.trueNow());
      await system.run(Math.min(boundary, until) - system.trueNow(), () => over);
      if (over || boundary >= until) break;
    }
    scripted.rules.down = within(outages, system.trueNow());
    if (!over && random() < 0.5) await life.keeper.close();
    await life.end();
    noteEnd();
  }

  const boundaries = outages.flatMap(({ from, to }) => [from, to]).sort((a, b) => a - b);
  try {
    while (system.trueNow() < wish.span.to) {
      const restart = system.trueNow() - Math.log(1 - random()) * wish.restartsEvery;
      await live(Math.floor(Math.min(restart, wish.span.to)));
      const from = system.trueNow();
      system.skip(10_000 + random() * (random() < 0.05 ? 12 * HOUR : 3 * MINUTE));
      down.push({ from, to: system.trueNow() });
    }
    const troubles = [...outages, ...unprovable, ...down];
    return { scripted, served, troubles, failed, unheard, lives, kills };
  } finally {
    await life?.end();
    await scripted.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What may go wrong with any request at any CA. */
function drawFault(step: Step, random: () => number): Fault {
  const answers: readonly Fault[] = [
    'cut',
    'cut-in-the-middle',
    { answer: { status: 503, headers: { 'retry-after': '60' }, body: 'busy' } },
    { answer: problem(500, 'serverInternal', 'out of order') },
    { answer: { status: 200, body: '<html>maintenance</html>' } },
    ...(step === 'new-order' ? [] : (['cut-after-work'] as const)),
  ];
  return answers[Math.floor(random() * answers.length)]!;
}
