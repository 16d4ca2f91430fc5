import { judgeReadiness, type ProcessStatus, type Readiness, type ReadinessCheck } from '../admin/status.ts';

export interface ReadinessPart {
  readonly slot: number;
  readonly readiness: Readiness;
}

/**
 * Whether several processes are ready as one sidecar. A check fails as soon as it fails in one of them, which is named; that
 * some of them are missing is said and does no harm while others serve: who serves must not be taken out of service for it.
 * `parts` are of processes that serve. Pure.
 */
export function mergeReadiness(parts: readonly ReadinessPart[], processes: readonly ProcessStatus[]): Readiness {
  const merged = new Map<string, ReadinessCheck>();
  for (const { slot, readiness } of parts) {
    for (const check of readiness.checks) {
      const other = merged.get(check.name);
      if (other?.ok === false || (other !== undefined && check.ok)) continue;
      const everywhere = parts.every((part) =>
        part.readiness.checks.some(({ name, ok }) => name === check.name && ok === check.ok),
      );
      merged.set(check.name, everywhere ? check : { ...check, detail: `in process ${slot}: ${check.detail}` });
    }
  }
  return judgeReadiness([...merged.values(), checkProcesses(processes)]);
}

function checkProcesses(processes: readonly ProcessStatus[]): ReadinessCheck {
  const wanted = processes.filter(({ state }) => state !== 'draining');
  const serving = wanted.filter(({ state }) => state === 'serving');
  const others = wanted.filter(({ state }) => state !== 'serving');
  const detail = [
    `${serving.length} of ${wanted.length} serve`,
    ...others.map(({ slot, state }) =>
      state === 'silent' ? `process ${slot} does not answer in time` : `process ${slot} is being started`,
    ),
  ].join('; ');
  return { name: 'processes', ok: serving.length > 0, detail };
}
