import type { Socket } from 'node:net';
import type { System } from '../base/system.ts';
import type { HealthCheck } from './health-check.ts';
import type { Guest, Instance } from './instance.ts';
import type { Trouble } from './instance-health.ts';
import type { Turns } from './upstream/turns.ts';
import { Wire } from './upstream/wire.ts';
import type { AnswerHandler, UpstreamConnection, UpstreamRequest } from './upstream-connection.ts';

/** One of both is null. */
export type Connected = (error: Error | null, socket: Socket | null) => void;

/** One connection to an instance, in use or idle. */
export class Line implements Guest {
  host: Instance;
  counted = false;
  readonly pinned: boolean;
  readonly key: string | undefined;
  readonly wire: Wire;

  /** `connect` opens a connection to where the guest is, which may change meanwhile. */
  constructor(
    host: Instance,
    how: { readonly pinned: boolean; readonly key: string | undefined },
    deps: { readonly system: System; readonly turns: Turns; connect(guest: Guest, done: Connected): void },
  ) {
    this.host = host;
    this.pinned = how.pinned;
    this.key = how.key;
    this.wire = new Wire({
      system: deps.system,
      turns: deps.turns,
      connect: (done) => deps.connect(this, done),
      lost: () => this.#makeWay(),
    });
  }

  /** Closes it at once. */
  destroy(): void {
    this.wire.destroy();
  }

  /** One that was closed while idle is no choice any more. */
  #makeWay(): void {
    const { idle } = this.host;
    const at = idle.indexOf(this);
    if (at !== -1) idle.splice(at, 1);
  }
}

/** One request's time with a connection. */
export class Lease implements UpstreamConnection {
  readonly #line: Line;
  readonly #giveBack: (line: Line, how: 'well' | 'badly', trouble?: Trouble) => void;
  readonly #findDoubts: (instance: Instance) => HealthCheck | undefined;
  #held = true;

  constructor(
    line: Line,
    giveBack: (line: Line, how: 'well' | 'badly', trouble?: Trouble) => void,
    findDoubts: (instance: Instance) => HealthCheck | undefined,
  ) {
    this.#line = line;
    this.#giveBack = giveBack;
    this.#findDoubts = findDoubts;
  }

  get instance(): Instance {
    return this.#line.host;
  }

  get doubts(): HealthCheck | undefined {
    return this.#findDoubts(this.#line.host);
  }

  dispatch(request: UpstreamRequest, handler: AnswerHandler): void {
    if (this.#held) this.#line.wire.dispatch(request, handler);
  }

  pause(): void {
    if (this.#held) this.#line.wire.pause();
  }

  resume(): void {
    if (this.#held) this.#line.wire.resume();
  }

  abort(error: Error): void {
    if (this.#held) this.#line.wire.abort(error);
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#giveBack(this.#line, 'well');
  }

  discard(trouble?: Trouble): void {
    if (!this.#held) return;
    this.#held = false;
    this.#giveBack(this.#line, 'badly', trouble);
  }
}
