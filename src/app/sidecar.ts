import type { AdminSources, OwnSources } from '../admin/admin-route.ts';
import type { Status } from '../admin/status.ts';
import { readDescriptorLimit } from '../base/descriptors.ts';
import type { Log } from '../base/log.ts';
import { networkOf } from '../base/network-of.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import { createHandshakeTurns } from '../listen/handshake-turns.ts';
import { createPenalties } from '../listen/penalties.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createRecentWarnings } from '../observe/recent-warnings.ts';
import { createTrafficRecord } from '../observe/traffic-record.ts';
import { type BoundAddresses, stopping } from './bound-listeners.ts';
import { exposeSidecar } from './certificate-metrics.ts';
import { createClientNetworks } from './client-networks.ts';
import { countConnections } from './count-connections.ts';
import { describeStatus } from './describe-status.ts';
import { createEntrances } from './entrances.ts';
import { openCertificates } from './open-certificates.ts';
import { openWatches } from './open-watches.ts';
import { createProbeAnswers } from './probe-answers.ts';
import { createReadiness } from './readiness.ts';
import { closeUpstreams, createRuntime, endHolds, type Runtime } from './runtime.ts';
import { createTraffic } from './traffic.ts';
import { exposeTraffic } from './traffic-metrics.ts';

/** Milliseconds in which connections may say goodbye after their last answer. */
const LINGER = 1_000;
/** Milliseconds in which the last answers leave that say that the homeserver is away. */
const GOODBYE = 250;

/** Ten minutes of traffic, in steps of five seconds. */
const RECORD = { step: 5_000, kept: 120 };

export interface SidecarDeps {
  readonly system: System;
  readonly log: Log;
  /** Where several processes serve: makes of what is known of this one what the admin listener tells of all of them. */
  readonly speakForAll?: (own: OwnSources) => AdminSources;
}

/** A running sidecar. */
export interface Sidecar {
  addresses(): BoundAddresses;
  status(): Status;
  /**
   * Puts a new configuration in force without touching open connections. Rejects, and changes nothing, when a
   * certificate cannot be used, an address cannot be bound, or the sidecar is stopping. Several calls take turns.
   */
  reload(config: Config): Promise<void>;
  /**
   * Stops accepting, lets what runs finish up to `limits.drain`, then closes. Resolves when nothing is left. Connections on
   * which nothing runs are closed at once, or get `patience` milliseconds to finish their handshake and make a request.
   * `next` is what a successor serves already: requests that wait for a homeserver follow it to where that says, and may
   * wait on, `limits.hold` or `limits.drain` long.
   */
  drain(patience?: number, next?: Config): Promise<void>;
  /** Closes everything now, also in the middle of a drain. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a sidecar: certificates, traffic, ways in.
 * @throws SidecarError when a certificate cannot be used or an address cannot be bound; nothing is left running then.
 */
export async function startSidecar(config: Config, given: SidecarDeps): Promise<Sidecar> {
  const { system } = given;
  const startedAt = system.monotonic();
  const logged = createRecentWarnings(given);
  const { log } = logged;
  const deps = { ...given, log };
  const metrics = createMetrics();
  const runDeps = { ...deps, metrics, onExhausted: () => limits.onExhausted() };
  const running = { runtime: createRuntime(config, runDeps) };
  const runtime = () => running.runtime;
  // Before anything is awaited: descriptors may run out while certificates are opened.
  const limits = countConnections({
    ...{ system, log, metrics },
    config: () => running.runtime.config,
    descriptors: readDescriptorLimit(),
  });
  limits.checkBudget();
  const inForce = Object.assign(running, { certificates: await openCertificates(config, runDeps) });
  const penalties = createPenalties({ system });
  let draining: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  let reloading: Promise<void> = Promise.resolve();
  const isStopping = (): boolean => draining !== undefined || closing !== undefined;

  const outlooks = () => inForce.certificates.outlooks();
  const watches = openWatches({ ...{ system, log, runtime }, certificates: () => inForce.certificates });
  const probes = createProbeAnswers({ ...deps, readKey: () => inForce.certificates.probeKey() });
  const clients = createClientNetworks();
  const readiness = createReadiness({
    ...{ system, runtime, outlooks },
    sets: () => inForce.certificates.acme?.status() ?? [],
  });
  exposeSidecar(metrics, { outlooks, isStopping, warnings: () => inForce.certificates.warnings.list() });
  exposeTraffic(metrics, runtime, system);
  const record = createTrafficRecord(RECORD, { system, read: () => metrics.values('requests') });
  const status = (): Status =>
    describeStatus({
      runtime: inForce.runtime,
      certificates: outlooks(),
      warnings: inForce.certificates.warnings.list(),
      addresses: entrances.addresses(),
      now: system.now(),
      monotonic: system.monotonic(),
      uptime: system.monotonic() - startedAt,
      draining: isStopping(),
      inFlight: traffic.inFlight,
      clients: clients.describe(),
      traffic: record.describe(),
      origins: metrics.values('originRequests'),
      counters: metrics.describe(['counter']),
      logged: logged.describe(),
      pid: process.pid,
    });
  const own: OwnSources = { status, readiness, metrics };
  const traffic = createTraffic(config.limits, {
    ...deps,
    runtime,
    isStopping,
    limits,
    onFlood(facts) {
      metrics.counter('connectionsFlooded', { listener: facts.listener }).add();
      const { routes } = inForce.runtime.config;
      if (!routes.trustedProxies.contains(facts.peerAddress)) penalties.strike(networkOf(facts.peerAddress));
    },
    metrics,
    admin: deps.speakForAll?.(own) ?? own,
    challengeAnswer: async (token) => (await probes.prove(token)) ?? inForce.certificates.http01Answer(token),
    probeProof: (token) => probes.prove(token),
    store: () => inForce.certificates.store,
  });
  const entrances = createEntrances({
    system,
    log,
    config: () => inForce.runtime.config,
    certificates: inForce.certificates,
    limits,
    metrics,
    turns: createHandshakeTurns(
      { longestWait: () => inForce.runtime.config.limits.handshake / 2 },
      { system, penalties },
    ),
    challenge: {
      pending: () => inForce.certificates.tlsAlpn01?.pending() === true,
      contextFor: (name) => inForce.certificates.tlsAlpn01?.contextFor(name),
    },
    onHttp1(socket, facts) {
      clients.note(facts);
      traffic.connections.onHttp1(socket, facts);
    },
    onHttp2(socket, facts) {
      clients.note(facts);
      traffic.connections.onHttp2(socket, facts);
    },
    onRefused: traffic.onRefused,
  });

  /** First what can fail, with the old configuration in force as a whole; then what cannot. */
  async function replace(next: Config): Promise<void> {
    if (isStopping()) throw stopping();
    const before = { ...inForce };
    const certificates = await openCertificates(next, runDeps, 'reload');
    let runtime: Runtime | undefined;
    try {
      runtime = createRuntime(next, runDeps, before.runtime);
      await entrances.apply(next.listen);
      Object.assign(inForce, { runtime, certificates });
    } catch (error) {
      if (runtime !== undefined) closeUpstreams(runtime, before.runtime);
      await certificates.close();
      throw error;
    }
    traffic.connections.setLimits(next.limits);
    entrances.useCertificates(certificates);
    watches.tell();
    limits.checkBudget();
    closeUpstreams(before.runtime, inForce.runtime);
    await before.certificates.close();
  }

  function reload(next: Config): Promise<void> {
    const turn = reloading.then(() => replace(next));
    reloading = turn.catch(() => {});
    return turn;
  }

  async function closeAll(): Promise<void> {
    const watched = watches.close();
    record.close();
    traffic.close();
    const closed = entrances.close();
    // One that is under way finds the entrances closed, and puts away what it has opened.
    await reloading;
    closeUpstreams(inForce.runtime);
    await closed;
    await watched;
    await inForce.certificates.close();
  }

  function close(): Promise<void> {
    closing ??= closeAll();
    return closing;
  }

  /** What waits goes where the new configuration says; listeners and certificates stay as they are, for a moment. */
  function follow(next: Config): void {
    const before = inForce.runtime;
    inForce.runtime = createRuntime(next, runDeps, before);
    closeUpstreams(before, inForce.runtime);
  }

  async function drainAll(patience: number, next: Config | undefined): Promise<void> {
    // Another one watches, or will; from outside, the ports that are closed now look like trouble.
    void watches.close();
    entrances.stopAccepting();
    if (next !== undefined) follow(next);
    traffic.connections.drain(patience);
    const quietUntil = system.monotonic() + patience + LINGER;
    const { limits } = inForce.runtime.config;
    const until = system.monotonic() + (next === undefined ? limits.drain : Math.max(limits.drain, limits.hold));
    // Connections whose last answer is complete say goodbye by themselves; those that are stuck never do. A request may
    // still come on one that is not closed yet, and has the same time as the others.
    do {
      await traffic.finished(Math.max(0, until - system.monotonic()));
      if (traffic.inFlight === 0) await entrances.quiet(Math.max(LINGER, quietUntil - system.monotonic()));
    } while (traffic.inFlight > 0 && system.monotonic() < until);
    // Who still waits for a homeserver is told so, before connections are cut.
    if (traffic.inFlight > 0) {
      endHolds(inForce.runtime);
      await traffic.finished(GOODBYE);
    }
    await close();
  }

  function drain(patience = 0, next?: Config): Promise<void> {
    draining ??= closing ?? drainAll(patience, next);
    return draining;
  }

  try {
    await entrances.apply(config.listen);
  } catch (error) {
    await close();
    throw error;
  }
  return { addresses: () => entrances.addresses(), status, reload, drain, close };
}
