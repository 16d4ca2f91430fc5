import { setTimeout as sleep } from 'node:timers/promises';
import { watchBackOff } from './back-off.ts';
import { startChatLoad } from './chat-load.ts';
import { accountFor, type Facts, findInTimelines, type RestartResult } from './restart-account.ts';
import type { EdgeKind } from './restart-edges.ts';
import { type Absence, startRestartFederation } from './restart-federation.ts';

/** One restart of the script. */
export interface ScriptedRestart {
  readonly by: 'stop' | 'kill';
  /** Seconds from its going until it answers again, or 0 for as soon as it can. */
  readonly away: number;
  /** Comes again in a new container, at a new address. */
  readonly moved: boolean;
  /** Its own people only read then, and nobody looks up their profiles: nothing tells the others that it is back. */
  readonly quiet?: true;
}

/** Ten restarts, from the quickest to 40 s. */
export const TEN_RESTARTS: readonly ScriptedRestart[] = [
  { by: 'stop', away: 0, moved: false },
  { by: 'kill', away: 0, moved: false },
  { by: 'stop', away: 15, moved: false },
  { by: 'kill', away: 10, moved: true },
  { by: 'stop', away: 40, moved: false },
  { by: 'kill', away: 20, moved: false },
  { by: 'stop', away: 25, moved: true },
  { by: 'stop', away: 0, moved: false },
  { by: 'kill', away: 30, moved: false },
  { by: 'kill', away: 40, moved: true, quiet: true },
];

/** What a shorter run does instead. */
export const TWO_RESTARTS: readonly ScriptedRestart[] = [
  { by: 'stop', away: 0, moved: false },
  { by: 'kill', away: 25, moved: true, quiet: true },
];

/** Milliseconds: before the first restart, between one and the next, after a quiet one, and until all is counted. */
const WARM_UP = 8_000;
const BETWEEN = 15_000;
const FALLS_SILENT = 5_000;
const QUIET = 40_000;
const LAST_WORDS = 60_000;

/** Restarts one homeserver behind such an edge, again and again under the load, and gives the account of it. */
export async function runRestartScript(edge: EdgeKind, script: readonly ScriptedRestart[]): Promise<RestartResult> {
  const federation = await startRestartFederation(edge);
  try {
    const { restarted, peers, members } = federation;
    const load = await startChatLoad(members);
    const watch = watchBackOff(peers, restarted.serverName);
    const absences: (Absence & { readonly inBackOff: readonly string[] })[] = [];
    try {
      await sleep(WARM_UP);
      const begun = Date.now();
      let startUp = 0;
      let afterwards: readonly string[] = [];
      for (const { by, away, moved, quiet } of script) {
        load.readOnly(restarted.serverName, quiet === true);
        // What they had begun to write is out of the way then.
        if (quiet) await sleep(FALLS_SILENT);
        const absence = await federation.restart({ by, gap: Math.max(0, away * 1_000 - startUp), moved });
        startUp = absence.startUp;
        absences.push({ ...absence, inBackOff: watch.now() });
        await sleep(quiet ? QUIET : BETWEEN);
        afterwards = watch.now();
      }
      load.readOnly(restarted.serverName, false);
      await sleep(BETWEEN);
      await load.fallSilent(LAST_WORDS);
      const timelines = await findInTimelines(load, LAST_WORDS);
      const facts: Facts = {
        ...{ edge, versions: await federation.versions(), begun, script, absences, timelines },
        ...{ asked: load.asked, messages: load.messages, toDevice: load.toDevice, people: load.people },
        ...{ spells: watch.spells, afterwards, restarted: restarted.serverName },
      };
      return { ...accountFor(facts), edgeLog: await federation.log('edge', restarted.serverName, 400) };
    } finally {
      watch.close();
      await load.close();
    }
  } finally {
    await federation.close();
  }
}
