import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import type { Store } from '../store/store.ts';
import type { OwnAnswers } from './own-answers.ts';

/** Who wants a test. An operator may look into private networks; a stranger may not, and has to be more patient. */
export interface Asker {
  readonly kind: 'operator' | 'stranger';
  /** The client's address. */
  readonly address: string;
}

/** What the federation tester of a sidecar needs of it. */
export interface FederationTesterDeps {
  readonly system: System;
  readonly log: Log;
  readonly answers: OwnAnswers;
  /** The configuration in force, and the store that belongs to it. */
  config(): Config;
  store(): Store;
}
