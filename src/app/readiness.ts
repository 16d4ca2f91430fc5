import { checkCertificateTime, judgeReadiness, type Readiness } from '../admin/status.ts';
import type { System } from '../base/system.ts';
import { probeHomeserver } from '../forward/probe-homeserver.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { Runtime } from './runtime.ts';

/** Milliseconds that a judgement stands, so that frequent checks do not become load on the homeserver. */
const FRESH = 2_000;

/** Finds out whether everything that serving needs is there. Concurrent and frequent calls share one look. */
export function createReadiness(deps: {
  readonly system: System;
  runtime(): Runtime;
  certificates(): readonly Certificate[];
}): () => Promise<Readiness> {
  let last: { readonly at: number; readonly outcome: Promise<Readiness> } | undefined;

  async function look(): Promise<Readiness> {
    const runtime = deps.runtime();
    const certificates = deps
      .certificates()
      .map((one) => checkCertificateTime([...one.dnsNames, ...one.ipAddresses], one.notAfter, deps.system.now()));
    const homeservers = await Promise.all(
      runtime.config.servers.map(async (server) => {
        const { ok, what } = await probeHomeserver(runtime.connectionsTo(server.homeserver));
        return { name: `homeserver of ${server.serverName.text}`, ok, detail: what };
      }),
    );
    return judgeReadiness([...certificates, ...homeservers]);
  }

  return () => {
    const now = deps.system.monotonic();
    if (last === undefined || now - last.at > FRESH) last = { at: now, outcome: look() };
    return last.outcome;
  };
}
