import { createTesterLimit } from '../admin/tester-limit.ts';
import { answerTester, type TesterAnswer, type TesterReport, type TesterWish } from '../admin/tester-route.ts';
import { createTesterRuns } from '../admin/tester-runs.ts';
import { createDnsClient } from '../base/dns.ts';
import type { Config } from '../config/config.ts';
import { createNames } from '../discovery/names.ts';
import { refusePrivateAddresses } from '../discovery/refuse-private.ts';
import { gatherFacts } from '../federation-tester/gather-facts.ts';
import { judge } from '../federation-tester/judge.ts';
import type { Policy } from '../federation-tester/verdict.ts';
import type { Exchange } from '../forward/exchange.ts';
import type { TesterIdentity } from './open-tester-identity.ts';
import type { Asker, FederationTesterDeps } from './tester-deps.ts';
import { createTesterExchange, reachOf } from './tester-exchange.ts';

/** What of the tester is loaded with the first request for it. */
export interface OpenTester {
  /** Rejects when it is closed. */
  answer(exchange: Pick<Exchange, 'method' | 'target' | 'headers'>, asker: Asker): Promise<TesterAnswer>;
  close(): void;
}

/** Milliseconds for a whole test, and for the first question to a DNS server. */
const [TOTAL, DNS_PATIENCE] = [30_000, 1_000];
/** Tests at a time of each kind of asker, and milliseconds that their results are shown again. */
const RUNS = { most: 4, keep: 10_000 };
/** Milliseconds after which somebody who was refused may try again. */
const BUSY = 5_000;
const LIMITS: Readonly<Record<Asker['kind'], { burst: number; every: number }>> = {
  operator: { burst: 30, every: 2_000 },
  stranger: { burst: 6, every: 10_000 },
};

export function openTester(deps: FederationTesterDeps & { readonly identity: TesterIdentity }): OpenTester {
  const { system, identity } = deps;
  const dns = createDnsClient({ timeout: DNS_PATIENCE });
  const perKind = <T>(open: (kind: Asker['kind']) => T) => ({ operator: open('operator'), stranger: open('stranger') });
  const runs = perKind(() => createTesterRuns<TesterReport>(RUNS, { system }));
  const limits = perKind((kind) => createTesterLimit(LIMITS[kind], { system }));
  const exchangeFor = createTesterExchange(deps);

  async function run(serverName: string, kind: Asker['kind'], signal: AbortSignal): Promise<TesterReport> {
    const config = deps.config();
    const { https, ownAuthority } = await exchangeFor(config);
    const discovery = {
      system,
      names: createNames({ server: config.acme.resolvers[0]?.text, recordsOnly: kind === 'stranger' }, { system, dns }),
      https: kind === 'stranger' ? refusePrivateAddresses(https) : https,
    };
    const options = {
      allowPrivate: kind === 'operator',
      total: TOTAL,
      // For a short question of a stranger, we send nobody twelve megabytes.
      ...(kind === 'stranger' ? { largeBody: 0 } : {}),
    };
    const signing = await identity.begin();
    const facts = await gatherFacts(serverName, discovery, { ...options, identity: signing?.identity }, signal).finally(
      () => signing?.end(),
    );
    const at = system.now();
    return { facts, verdict: judge(facts, policyFor(kind, config, ownAuthority), at), at };
  }

  function test(serverName: string, { kind, address }: Asker): TesterWish {
    const known = runs[kind].find(serverName);
    if (known !== undefined) return { ok: true, report: known };
    const allowed = limits[kind].take(address);
    if (!allowed.ok) return { ok: false, why: 'too-often', wait: allowed.wait };
    const report = runs[kind].begin(serverName, (signal) => run(serverName, kind, signal));
    return report === undefined ? { ok: false, why: 'busy', wait: BUSY } : { ok: true, report };
  }

  return {
    answer({ method, target, headers }, asker) {
      const kind = isFromElsewhere(headers) ? 'stranger' : asker.kind;
      return answerTester(method, target, {
        besideStatus: asker.kind === 'operator',
        test: (serverName) => test(serverName, { ...asker, kind }),
        sleep: (ms) => new Promise((resolve) => void system.setTimer(ms, () => resolve(undefined))),
      });
    },
    close() {
      runs.operator.close();
      runs.stranger.close();
    },
  };
}

/**
 * Whether a page of another site is behind it (Fetch Standard, Origin; Fetch Metadata): whoever wrote that page sits in
 * the operator's browser, and may not look into the operator's network.
 */
function isFromElsewhere(headers: readonly string[]): boolean {
  return headers.some((name, index) => {
    if (index % 2 === 1) return false;
    const lower = name.toLowerCase();
    return (
      lower === 'origin' || (lower === 'sec-fetch-site' && /^(cross-site|same-site)$/.test(headers[index + 1] ?? ''))
    );
  });
}

/** Strangers are told what `check` would tell them on a machine of their own: nothing of this network is their business. */
function policyFor(kind: Asker['kind'], config: Config, ownAuthority: boolean): Policy {
  if (kind === 'stranger') return { reach: 'public' };
  const options = { dns: 'acme.resolvers', authority: 'federation_tester.ca_file' };
  return { reach: reachOf(config), dnsServer: config.acme.resolvers[0], ownAuthority, options };
}
