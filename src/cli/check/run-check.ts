import type { System } from '../../base/system.ts';
import { gatherFacts } from '../../federation-tester/gather-facts.ts';
import { judge } from '../../federation-tester/judge.ts';
import { tameLine } from '../../federation-tester/quote.ts';
import { type Paint, renderHuman } from '../../federation-tester/render-human.ts';
import { renderJson } from '../../federation-tester/render-json.ts';
import { renderTap } from '../../federation-tester/render-tap.ts';
import { viewReport } from '../../federation-tester/render-view.ts';
import { createPaint } from '../demo/demo-text.ts';
import type { CliIo } from '../io.ts';
import type { CheckRequest } from './check-request.ts';
import { openCheck } from './open-check.ts';
import { openSigner } from './open-signer.ts';
import { showProgress } from './show-progress.ts';

/** Columns where nobody says how many there are: a pipe, a file. */
const WIDTH = 100;

/**
 * Tests a server and prints the report; the exit code is 0 when federation works, else 1. Rejects with a SidecarError when
 * it cannot begin.
 */
export async function runCheck(
  request: CheckRequest,
  { io, system }: { readonly io: CliIo; readonly system: System },
): Promise<void> {
  const check = await openCheck(request, system);
  const identity = await openSigner(request.signAs, { io, system });
  const progress = showProgress(tameLine(request.serverName.slice(0, 60)), { io, system });
  try {
    const facts = await gatherFacts(
      request.serverName,
      { ...check, https: progress.watch(check.https) },
      { connectTo: request.connectTo, allowPrivate: true, identity, total: request.total },
      new AbortController().signal,
    );
    const now = system.now();
    const verdict = judge(facts, check.policy, now);
    progress.end();
    if (request.format === 'json') io.stdout(renderJson(facts, verdict, now));
    else if (request.format === 'tap') io.stdout(renderTap(facts, verdict));
    else {
      const options = { paint: createColours(io), width: io.columns ?? WIDTH };
      io.stdout(renderHuman(viewReport(facts, verdict, now), options));
    }
    io.exitCode = verdict.federationOk ? 0 : 1;
  } finally {
    progress.end();
  }
}

function createColours({ colour }: CliIo): Paint {
  const warn = (text: string): string => (colour ? `\u001b[33m${text}\u001b[0m` : text);
  return { ...createPaint(colour), warn };
}
