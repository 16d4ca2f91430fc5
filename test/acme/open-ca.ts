import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AccountStore } from '../../src/acme/account.ts';
import { type Ca, type CaSlice, createCa } from '../../src/acme/ca.ts';
import type { ChallengeTask, ChallengeType, Solver } from '../../src/acme/solver.ts';
import type { System } from '../../src/base/system.ts';
import { type ScriptedCa, startScriptedCa } from '../harness/scripted-ca.ts';
import { createScriptedIssuer } from '../harness/scripted-issuer.ts';
import type { Rules } from '../harness/scripted-rules.ts';
import { hurriedSystem } from '../tls/hurried-system.ts';
import { createRecordingLog, type RecordingLog } from '../tls/recording-log.ts';

const issuer = createScriptedIssuer();

export interface MemoryStore extends AccountStore {
  readonly values: Map<string, Buffer>;
}

export function createMemoryStore(): MemoryStore {
  const values = new Map<string, Buffer>();
  return {
    values,
    read: async (key) => values.get(key),
    async write(key, bytes) {
      values.set(key, Buffer.from(bytes));
    },
    where: (key) => `/store/${key}`,
  };
}

export interface OpenedCa {
  readonly scripted: ScriptedCa;
  readonly ca: Ca;
  readonly store: MemoryStore;
  readonly log: RecordingLog;
  /** Another one, as after a restart: same store, same CA. */
  again(slice?: Partial<CaSlice>, system?: System): Ca;
  close(): Promise<void>;
}

/** A scripted CA, and ours that talks to it with timers twenty times as fast. */
export async function openCa(rules: Partial<Rules> = {}, slice: Partial<CaSlice> = {}): Promise<OpenedCa> {
  const scripted = await startScriptedCa(rules, issuer);
  const store = createMemoryStore();
  const log = createRecordingLog();
  const opened: Ca[] = [];
  const again = (more: Partial<CaSlice> = {}, system: System = hurriedSystem): Ca => {
    const { directoryUrl, caPem } = scripted;
    const ca = createCa({ directoryUrl, caFile: caPem, termsAgreed: true, ...slice, ...more }, { system, store, log });
    opened.push(ca);
    return ca;
  };
  return {
    scripted,
    store,
    log,
    ca: again(),
    again,
    async close() {
      await Promise.all(opened.map((ca) => ca.close()));
      await scripted.close();
    },
  };
}

/** Runs a test's body with a CA of its own, and ends it. */
export async function withCa(
  body: (opened: OpenedCa) => Promise<void>,
  rules: Partial<Rules> = {},
  slice: Partial<CaSlice> = {},
): Promise<void> {
  const opened = await openCa(rules, slice);
  try {
    await body(opened);
  } finally {
    await opened.close();
  }
}

/** What a promise is rejected with; fails when it is not. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

export const NEVER = new AbortController().signal;

/** A solver that only notes what is asked of it. */
export interface NotingSolver extends Solver {
  readonly presented: ChallengeTask[];
  readonly cleaned: ChallengeTask[];
}

export function createNotingSolver(type: ChallengeType, present?: () => Promise<void>): NotingSolver {
  const presented: ChallengeTask[] = [];
  const cleaned: ChallengeTask[] = [];
  return {
    type,
    presented,
    cleaned,
    async present(task) {
      presented.push(task);
      await present?.();
    },
    async cleanUp(task) {
      cleaned.push(task);
    },
  };
}

/** Answers http-01 on a port of its own. */
export interface HttpSolver extends Solver {
  readonly port: number;
  /** How many answers there are now. */
  readonly pending: number;
  close(): Promise<void>;
}

export async function startHttpSolver(host = '127.0.0.1', wantedPort = 0): Promise<HttpSolver> {
  const answers = new Map<string, string>();
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? '');
    response.writeHead(answer === undefined ? 404 : 200).end(answer ?? 'nothing here');
  });
  await new Promise<void>((resolve) => server.listen(wantedPort, host, resolve));
  const pathOf = ({ token }: ChallengeTask): string => `/.well-known/acme-challenge/${token}`;
  return {
    type: 'http-01',
    port: (server.address() as AddressInfo).port,
    get pending() {
      return answers.size;
    },
    async present(task) {
      answers.set(pathOf(task), task.keyAuthorization);
    },
    async cleanUp(task) {
      answers.delete(pathOf(task));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
