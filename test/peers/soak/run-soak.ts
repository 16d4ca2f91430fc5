import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSeededRandom } from '../../harness/seeded-random.ts';
import { pause, until } from '../../harness/until.ts';
import { accountFor, type Counted, compareCounters, NO_DEFECTS, type RequestAccount } from './account-for.ts';
import type { Outcome } from './outcome.ts';
import { planRequest, type RequestPlan } from './request-plan.ts';
import { createSoakClients } from './soak-client.ts';
import { openSoakGround, type SoakGround } from './soak-ground.ts';
import { type Happenings, startWeather } from './soak-weather.ts';
import { compareFifths, fetchText, type Live, type Reading, scrape, watchProcess } from './watch-process.ts';

export interface SoakOrder {
  readonly seed: number;
  readonly seconds: number;
  /** Requests a second, on the mean. */
  readonly rate: number;
  /** A folder for the log. */
  readonly report?: string | undefined;
}

/** What a soak came to. */
export interface SoakAccount extends SoakOrder, RequestAccount {
  readonly sent: number;
  readonly connections: number;
  readonly complaints: readonly string[];
  readonly happened: Happenings;
  readonly counters: Readonly<Record<string, Counted>>;
  /** Bytes: medians of what is resident, and of what is left of heap and external memory without garbage. */
  readonly rss: { readonly early: number; readonly late: number };
  readonly heap: { readonly early: number; readonly late: number };
  readonly external: { readonly early: number; readonly late: number };
  readonly mostResident: number;
  readonly descriptors: { readonly before: number; readonly most: number; readonly after: number };
  /** Of the sidecar at the end. */
  readonly left: { readonly inFlight: number; readonly held: number };
  /** Lines of the log that should not be there, at most 20; and all of stderr. */
  readonly badLines: readonly string[];
  readonly badLineCount: number;
  readonly stderr: string;
  readonly logLines: number;
  /** What the sidecar said of each absence, and when. */
  readonly absences: readonly string[];
  readonly readings: readonly Reading[];
  readonly live: readonly Live[];
}

/** Requests under way at once, at most: a client waits rather than send more. */
const MOST_UNDER_WAY = 1_500;
/** Times that all garbage is collected. */
const COLLECTIONS = 20;

export async function runSoak(order: SoakOrder): Promise<SoakAccount> {
  const ground = await openSoakGround(order.seed);
  try {
    return await soak(order, ground);
  } finally {
    await ground.close();
  }
}

async function soak(order: SoakOrder, ground: SoakGround): Promise<SoakAccount> {
  const outcomes: Outcome[] = [];
  const again: string[] = [];
  const clients = createSoakClients(ground, (id, what) => again.push(`${id}: ${what}`));
  async function sendOne(plan: RequestPlan): Promise<Outcome> {
    const outcome = await clients.send(plan);
    ground.tell({ do: 'heard', id: plan.id });
    return outcome;
  }
  // The first scrape makes what all others use.
  await scrape(ground.admin);
  const { admin, collect } = ground;
  const watch = watchProcess({ pid: ground.sidecar.child.pid!, admin, collect }, (order.seconds * 1_000) / COLLECTIONS);
  const before = await watch.read();
  const weather = startWeather(ground, order.seed);
  const sent = await sendAll(order, (turn) => sendOne(planRequest(order.seed, turn)), outcomes);
  await weather.calm();
  await until('every request has an end', () => outcomes.filter(Boolean).length === sent, 150_000);
  const { readings, live } = watch;
  watch.stop();
  clients.close();
  const after = await settle(ground, watch.read, before.descriptors);
  const account = { ...(await ground.account()), outages: weather.outages };
  const status = JSON.parse(await fetchText(ground.admin, '/api/status')) as {
    requests_in_flight: number;
    servers: { requests_held: number }[];
  };
  const metrics = await scrape(ground.admin);
  const lines = ground.log();
  if (order.report !== undefined) writeFileSync(join(order.report, 'sidecar.log'), lines.join('\n'));
  const bad = lines.filter(isBadLine);
  const warm = readings.slice(Math.floor(readings.length / 3));
  return {
    ...order,
    sent,
    ...accountFor(order.seed, outcomes, account, again.length),
    connections: account.connections,
    complaints: [...account.complaints, ...again].slice(0, NO_DEFECTS),
    happened: weather.happened,
    counters: compareCounters(metrics, order.seed, outcomes, account),
    rss: compareFifths(warm.map(({ rss }) => rss)),
    heap: compareFifths(live.map(({ heap }) => heap)),
    external: compareFifths(live.map(({ external }) => external)),
    mostResident: Math.max(...readings.map(({ rss }) => rss)),
    descriptors: {
      before: before.descriptors,
      most: Math.max(...readings.map(({ descriptors }) => descriptors)),
      after: after.descriptors,
    },
    // The question itself is one.
    left: { inFlight: status.requests_in_flight - 1, held: status.servers[0]?.requests_held ?? 0 },
    badLines: bad.slice(0, 20),
    badLineCount: bad.length,
    stderr: ground.sidecar.stderr(),
    logLines: lines.length,
    absences: lines.flatMap(describeAbsence),
    readings,
    live,
  };
}

/** An open loop: requests come when they come, whether those before have been answered or not. */
async function sendAll(
  { seed, seconds, rate }: SoakOrder,
  send: (turn: number) => Promise<Outcome>,
  outcomes: Outcome[],
): Promise<number> {
  const dice = createSeededRandom(seed + 3);
  const began = performance.now();
  let ended = 0;
  let due = 0;
  let turn = 0;
  while (performance.now() - began < seconds * 1_000) {
    due += (-Math.log(1 - dice.fraction()) / rate) * 1_000;
    const left = due - (performance.now() - began);
    if (left > 1) await pause(left);
    while (turn - ended > MOST_UNDER_WAY) await pause(5);
    const mine = turn++;
    void send(mine).then((outcome) => {
      ended++;
      outcomes[mine] = outcome;
    });
  }
  return turn;
}

/** Waits until what was in use is given back, as long as an idle connection may be kept. */
async function settle(ground: SoakGround, read: () => Promise<Reading>, base: number): Promise<Reading> {
  let reading = await read();
  for (let tries = 0; tries < 80 && reading.descriptors > base + 2; tries++) {
    if (ground.sidecar.child.exitCode !== null) throw new Error(`the sidecar ended: ${ground.sidecar.stderr()}`);
    await pause(500);
    reading = await read();
  }
  return reading;
}

function isBadLine(line: string): boolean {
  return /Unexpected|defect|"blame":"us"|"level":"fatal"|ERR_/.test(line);
}

function describeAbsence(line: string): string[] {
  const [, time, sentence] =
    /"time":"([^"]+)".*"msg":"([^"]*(?: is back after |Requests wait for it)[^"]*)"/.exec(line) ?? [];
  return time === undefined || sentence === undefined ? [] : [`${time} ${sentence}`];
}
