import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { BenchError } from '../bench-error.ts';
import type { Contender } from '../contender.ts';
import type { ContenderName } from '../peers/peer.ts';
import { askOn, openConnection } from '../tls-visits.ts';
import { SERVER_NAME } from '../workspace.ts';
import type { Bench, Experiment } from './experiment.ts';
import { measureLoad, smallGet, warmUp } from './requests.ts';

const IDLE = 3_000;
const LONG_POLLS = 5_000;
/** Addresses that they come from. */
const CLIENTS = 8;
/** Handshakes at the same time, while connections are opened. */
const AT_ONCE = 50;
/** Milliseconds that a proxy gets to settle before its memory is read. */
const SETTLE = 1_500;
/** The homeserver answers a long poll after so many milliseconds: long after the measurement. */
const HOLD = 110_000;
const POLL = `GET /_matrix/client/v3/sync?timeout=${HOLD} HTTP/1.1\r\nHost: ${SERVER_NAME}\r\nx-bench-wait: ${HOLD}\r\n\r\n`;

/** Connections that do nothing after one request: the memory of each, in a process that has seen some traffic before. */
export const idleExperiment: Experiment = {
  rows: [{ name: 'idle-connections', title: `${IDLE} idle TLS connections`, unit: 'bytes/connection' }],
  openFiles: IDLE + 500,
  prepare: async (bench, name) => ({
    async measure() {
      const contender = await startWarm(bench, name, await bench.upstream('fixed'));
      const open: TLSSocket[] = [];
      try {
        const before = contender.resident();
        await openMany(contender, IDLE, open, (socket) => askOn(socket));
        await sleep(SETTLE);
        return [{ figure: (contender.resident() - before) / IDLE }];
      } finally {
        for (const socket of open) socket.destroy();
        await contender.stop();
      }
    },
    finish: async () => {},
  }),
};

/** Requests that wait for news: the memory of each, and what small requests beside them cost. */
export const longPollExperiment: Experiment = {
  rows: [
    { name: 'long-polls', title: `${LONG_POLLS} open long polls`, unit: 'bytes/connection' },
    { name: 'beside-long-polls', title: `small GET beside ${LONG_POLLS} long polls, to none`, unit: 'times' },
  ],
  openFiles: 2 * LONG_POLLS + 500,
  prepare: async (bench, name) => ({
    async measure() {
      const upstream = await bench.upstream('scripted');
      const contender = await startWarm(bench, name, upstream);
      const open: TLSSocket[] = [];
      try {
        const requests = await warmUp(contender, smallGet, bench);
        const alone = await measureLoad(contender, smallGet, requests, bench);
        await sleep(SETTLE);
        const before = contender.resident();
        await openMany(contender, LONG_POLLS, open, async (socket) => void socket.write(POLL));
        await awaitHeld(upstream, LONG_POLLS);
        await sleep(SETTLE);
        const memory = { figure: (contender.resident() - before) / LONG_POLLS };
        const beside = await measureLoad(contender, smallGet, requests, bench);
        if (open.some((socket) => socket.destroyed)) throw new BenchError('A long poll was cut.');
        return [memory, { ...beside, figure: beside.figure / alone.figure }];
      } finally {
        for (const socket of open) socket.destroy();
        await contender.stop();
        await awaitHeld(upstream, 0);
      }
    },
    finish: async () => {},
  }),
};

async function startWarm(bench: Bench, name: ContenderName, upstream: number): Promise<Contender> {
  const contender = await bench.start(name, upstream);
  const some: TLSSocket[] = [];
  await openMany(contender, 300, some, (socket) => askOn(socket));
  for (const socket of some) socket.destroy();
  await sleep(SETTLE);
  return contender;
}

/** Opens so many connections into `open` and does something on each. */
async function openMany(
  contender: Contender,
  count: number,
  open: TLSSocket[],
  begin: (socket: TLSSocket) => Promise<void>,
): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      // As from several clients: none may have all of a machine's connections.
      const socket = await openConnection(contender, undefined, `127.0.0.${2 + (left % CLIENTS)}`);
      open.push(socket);
      await begin(socket);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** Resolves when the homeserver holds so many requests. */
async function awaitHeld(upstream: number, count: number): Promise<void> {
  let held = -1;
  for (let tries = 0; tries < 100 && held !== count; tries++) {
    held = await readHeld(upstream);
    if (held !== count) await sleep(100);
  }
  if (held !== count) throw new BenchError(`The homeserver holds ${held} requests instead of ${count}.`);
}

function readHeld(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/bench/held', agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve(Number(text)));
    });
    sent.on('error', reject).end();
  });
}
