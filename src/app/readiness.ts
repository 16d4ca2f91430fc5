import { describeStuckStore } from '../acme/describe-stuck-store.ts';
import type { SetStatus } from '../acme/keeper.ts';
import { checkCertificate, judgeReadiness, type Readiness, type ReadinessCheck } from '../admin/status.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import { probeHomeserver } from '../forward/probe-homeserver.ts';
import type { CertificateOutlook } from './certificate-outlook.ts';
import { checkWorkers, type ServerWorkers } from './check-workers.ts';
import { listServices } from './list-services.ts';
import type { Runtime } from './runtime.ts';

/** Milliseconds that a judgement stands, so that frequent checks do not become load on the homeserver. */
const FRESH = 2_000;

/** Finds out whether everything that serving needs is there. Concurrent and frequent calls share one look. */
export function createReadiness(deps: {
  readonly system: System;
  runtime(): Runtime;
  outlooks(): readonly CertificateOutlook[];
  /** Those that a CA signs. */
  sets(): readonly Pick<SetStatus, 'leads' | 'other'>[];
}): () => Promise<Readiness> {
  const { system } = deps;
  let last: { readonly outcome: Promise<Readiness>; readonly of: Runtime; staleAt: number } | undefined;

  async function look(runtime: Runtime): Promise<Readiness> {
    const certificates = deps
      .outlooks()
      .map((one) => checkCertificate({ ...one, notAfter: one.certificate.notAfter }, system.now()));
    const store = checkStore(deps.sets(), certificates);
    const [homeservers, services] = await Promise.all([checkHomeservers(runtime, system), checkServices(runtime)]);
    const workers = checkWorkers(listWorkers(runtime));
    return judgeReadiness([...certificates, ...store, ...homeservers, ...services, ...workers]);
  }

  return () => {
    const runtime = deps.runtime();
    if (last === undefined || last.of !== runtime || system.monotonic() > last.staleAt) {
      const began = { outcome: look(runtime), of: runtime, staleAt: Number.POSITIVE_INFINITY };
      // Fresh from when it is known: a look that takes long is not begun again meanwhile.
      const known = (): void => {
        began.staleAt = system.monotonic() + FRESH;
      };
      began.outcome.then(known, known);
      last = began;
    }
    return last.outcome;
  };
}

/**
 * A store that cannot be written, where certificates have to be ordered. It does no harm while all of them are good: who
 * serves well must not be taken out of service for it.
 */
export function checkStore(
  sets: readonly Pick<SetStatus, 'leads' | 'other'>[],
  certificates: readonly ReadinessCheck[],
): ReadinessCheck[] {
  const stuck = sets.flatMap(({ leads, other }) => (!leads && other.kind === 'stuck' ? [other.why] : []))[0];
  if (stuck === undefined) return [];
  return [{ name: 'store', ok: certificates.every(({ ok }) => ok), detail: describeStuckStore(stuck) }];
}

/** Asks each homeserver once, however many server names it has. */
async function checkHomeservers(runtime: Runtime, system: System): Promise<ReadinessCheck[]> {
  return Promise.all(
    [...groupByHomeserver(runtime.config).values()].map(async ({ upstream, names }) => {
      const { ok, what } = await probeHomeserver(runtime.connectionsTo(upstream).take(), system);
      return { name: `homeserver of ${names.join(', ')}`, ok, detail: what };
    }),
  );
}

/** Says who is away of what is beside the homeservers. As with workers, it fails none: chats go on without. */
async function checkServices(runtime: Runtime): Promise<ReadinessCheck[]> {
  const services = runtime.config.servers.flatMap((server) =>
    listServices(server).map((service) => ({ ...service, of: server.serverName.text })),
  );
  return Promise.all(
    services.map(async ({ name, upstream, without, of }) => {
      const here = await runtime.connectionsTo(upstream).probe();
      const detail = here ? `${upstream.text} answers` : `nobody answers at ${upstream.text}: ${without}`;
      return { name: `${name} of ${of}`, ok: true, detail };
    }),
  );
}

function listWorkers({ config, workers }: Runtime): ServerWorkers[] {
  return config.servers.map(({ serverName: { text } }) => ({ serverName: text, pools: workers.list(text) }));
}

function groupByHomeserver(config: Config) {
  const groups = new Map<string, { upstream: Config['servers'][number]['homeserver']; names: string[] }>();
  for (const { serverName, homeserver } of config.servers) {
    const group = groups.get(homeserver.text) ?? { upstream: homeserver, names: [] };
    group.names.push(serverName.text);
    groups.set(homeserver.text, group);
  }
  return groups;
}
