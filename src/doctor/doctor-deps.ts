import type { HttpsExchange } from '../base/https-exchange.ts';
import type { System } from '../base/system.ts';
import type { ConnectTo } from '../discovery/connect-to.ts';
import type { Names } from '../discovery/names.ts';
import type { Policy } from '../federation-tester/verdict.ts';
import type { JsonObject } from '../matrix/json.ts';
import type { StoredCertificate } from './deployment.ts';
import type { SelfProbe } from './self-probe.ts';

/** What the rows look with. */
export interface DoctorDeps {
  readonly system: System;
  readonly https: HttpsExchange;
  /** As others see them. */
  readonly names: Names;
  readonly connectTo: readonly ConnectTo[];
  /** What the federation report is judged by, but for how far this deployment is to reach. */
  readonly policy: Omit<Policy, 'reach'>;
  readonly probe: SelfProbe;
  /** The key of the probes was made just now: a running sidecar may take a moment to see it. */
  readonly probeIsNew: boolean;
  readonly inContainer: boolean;
  /** Where the store is that doctor looks into, without its password. */
  readonly storeAt: string;
  /** What the running sidecar says of itself, or undefined when it cannot be asked. Asked once. */
  status(signal: AbortSignal): Promise<JsonObject | undefined>;
  /** May reject with a SidecarError. */
  readCertificates(): Promise<readonly StoredCertificate[]>;
}
