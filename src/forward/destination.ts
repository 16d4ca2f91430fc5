import type { SidecarError } from '../base/errors.ts';
import type { ForwardDeps, ForwardPlace, ForwardPlan } from './forward-plan.ts';
import type { Hold, WaitEnd } from './hold.ts';
import type { UpstreamWay } from './upstream-way.ts';

/** Where one request goes, and its wait until somebody is there. By a reload it may be elsewhere. */
export class Destination {
  readonly #plan: ForwardPlan;
  readonly #deps: ForwardDeps;
  #place: ForwardPlace;
  #leave: (() => void) | undefined;

  constructor(plan: ForwardPlan, deps: ForwardDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.#place = plan;
  }

  get connections(): UpstreamWay {
    return this.#place.connections;
  }

  get key(): string | undefined {
    return this.#place.key;
  }

  /** Undefined: what the client asked for. */
  get target(): string | undefined {
    return this.#place.target;
  }

  get hold(): Hold | undefined {
    return this.#place.hold;
  }

  /** Where it is by the configuration in force, if that is not here. */
  findMove(): ForwardPlace | 'nowhere' | undefined {
    return this.#plan.moved(this.#place.connections);
  }

  /** Waits there behind the others that come over at the same time, where that is possible, and then calls `goOn`. */
  follow(place: ForwardPlace | 'nowhere', goOn: () => void, failure: SidecarError): void {
    if (place === 'nowhere') return this.#deps.onNowhere();
    this.#place = place;
    if (this.wait(goOn, failure)) return;
    if (place.hold?.away === true) this.#deps.onFailure(failure);
    else goOn();
  }

  /** Waits for the homeserver's return; false where it may not wait (any more). `failure` is for one that waits in vain. */
  wait(goOn: () => void, failure: SidecarError): boolean {
    const { arrived, patience } = this.#plan;
    const now = this.#deps.system.monotonic();
    const settle = (end: WaitEnd): void => {
      this.#leave = undefined;
      this.#deps.onWaited(this.#deps.system.monotonic() - now);
      const place = end === 'moved' ? this.findMove() : undefined;
      if (end === 'released') {
        this.#deps.onSecondChance('hold');
        goOn();
      } else if (place === undefined) this.#deps.onFailure(failure);
      else this.follow(place, goOn, failure);
    };
    this.#leave = this.hold?.wait(arrived + patience - now, settle, {
      isMoved: () => this.findMove() !== undefined,
      forServer: this.#plan.forServer,
    });
    return this.#leave !== undefined;
  }

  /** Waits no more. */
  leave(): void {
    this.#leave?.();
  }
}
