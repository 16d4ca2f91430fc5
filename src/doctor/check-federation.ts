import { formatHostPort } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import { gatherFacts } from '../federation-tester/gather-facts.ts';
import { judge } from '../federation-tester/judge.ts';
import type { Finding as FederationFinding } from '../federation-tester/verdict.ts';
import { type Reached, reachRow } from './check-reach.ts';
import { SIDECAR_ROW } from './check-sidecar.ts';
import type { DeployedServer, Deployment, PublicPlace } from './deployment.ts';
import type { DoctorDeps } from './doctor-deps.ts';
import type { Row } from './row.ts';

/** Milliseconds for the tester, and for the row, which ends a little later. */
const TOTAL = 30_000;
const DEADLINE = 40_000;

/** What other servers meet: the federation tester's report. Requests are not signed here; `check` does that. */
export function checkFederation(
  { name }: DeployedServer,
  {
    reach,
    places,
    reached,
  }: { readonly reach: Deployment['reach']; readonly places: readonly PublicPlace[]; readonly reached: Reached },
  deps: DoctorDeps,
): Row {
  const place = places.find(({ federates }) => federates.includes(name.text));
  return {
    id: `federation:${name.text}`,
    title: `Other servers can reach ${name.text}`,
    needs: place === undefined ? [SIDECAR_ROW] : [SIDECAR_ROW, reachRow(place)],
    hint: `Run: matrix-sidecar check ${name.text}`,
    deadline: DEADLINE,
    run: async (signal) => {
      // Without a way back, everything would look dead from here that is not.
      if (place !== undefined && !reached.has(formatHostPort(place.host, place.port)))
        return {
          seen: '',
          findings: [],
          notChecked: `this machine cannot reach itself by its public name; run "matrix-sidecar check ${name.text}" elsewhere`,
        };
      const options = { allowPrivate: true, connectTo: deps.connectTo, total: TOTAL, largeBody: 0 };
      const facts = await gatherFacts(name.text, deps, options, signal);
      const verdict = judge(facts, { ...deps.policy, reach }, deps.system.now());
      return { seen: verdict.firstLine, findings: verdict.findings.map(translate) };
    },
  };
}

/** The first line of their fix is a sentence; what follows are the lines to write. */
function translate({ id, severity, title, evidence, fix }: FederationFinding): Finding {
  const [sentence = '', ...lines] = fix.split('\n');
  const what = evidence.length === 0 ? `${title}.` : `${title}: ${evidence.join('; ')}.`;
  return { id, severity, what, fix: sentence, ...(lines.length === 0 ? {} : { lines }) };
}
