import type { Resolution } from '../../discovery/resolution.ts';
import { gatherFacts } from '../../federation-tester/gather-facts.ts';
import type { Identity } from '../../federation-tester/identity.ts';
import { judge } from '../../federation-tester/judge.ts';
import { readAnswer } from '../../federation-tester/read-answer.ts';
import type { Verdict } from '../../federation-tester/verdict.ts';
import { buildKeyDocument } from '../../matrix/key-document.ts';
import type { DemoScene } from './demo-checks.ts';
import type { DemoServer } from './demo-server.ts';

/** Milliseconds. */
const KEY_VALIDITY = 3_600_000;

/** What the federation tester found out about one server in the name of another. */
export interface Encounter {
  readonly from: DemoServer;
  readonly to: DemoServer;
  /** Milliseconds. */
  readonly took: number;
  /** Undefined when there was no time for it. */
  readonly resolution: Resolution | undefined;
  /** What is wrong, in sentences; undefined when all is well. */
  readonly wrong: string | undefined;
}

/**
 * Tests `to` from outside, with requests signed by `from`: the same facts and the same judgement as `check` has. All is
 * well when it is found by the step that the demo is to show, nothing is to be said against it, and it accepted our
 * signature. Rejects with the signal's reason only.
 */
export async function checkEachOther(
  from: DemoServer,
  to: DemoServer,
  { discovery: { deps, connectTo }, system }: DemoScene,
  signal: AbortSignal,
): Promise<Encounter> {
  const { serverName, homeserver } = from;
  const identity: Identity = {
    serverName,
    key: homeserver.signingKey,
    publish: () => buildKeyDocument(serverName.text, homeserver.signingKey, system.now() + KEY_VALIDITY),
    // The stand-in publishes the key itself, and does not count.
    keyFetches: () => undefined,
  };
  const facts = await gatherFacts(to.serverName.text, deps, { allowPrivate: true, connectTo, identity }, signal);
  const verdict = judge(facts, { reach: 'private' }, system.now());
  const { resolution, took } = facts;
  const accepted = facts.addresses.every(({ signed }) => readAnswer(signed?.plain) === 'accepted');
  return { from, to, took, resolution, wrong: explain(to, verdict, resolution, accepted) };
}

function explain(
  { step, serverName }: DemoServer,
  { federationOk, findings, firstLine, lastLine }: Verdict,
  resolution: Resolution | undefined,
  accepted: boolean,
): string | undefined {
  if (!federationOk || findings.length > 0) return `${firstLine} ${lastLine}`;
  if (resolution?.step !== step)
    return `${serverName.text} was found by step ${resolution?.step} and should be by ${step}.`;
  return accepted ? undefined : `${serverName.text} did not accept a signed request.`;
}
