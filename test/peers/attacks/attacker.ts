// A program: one attack on 127.0.0.1. Prints what it has done, as JSON. Arguments: attack, port, name, seconds.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Assault } from './assault.ts';
import * as connections from './connection-attacks.ts';
import * as http1 from './http1-attacks.ts';
import * as http2 from './http2-attacks.ts';
import * as tls from './tls-attacks.ts';

const [name = '', port = '', host = '', seconds = ''] = process.argv.slice(2);
const attacks: Readonly<Record<string, (assault: Assault) => Promise<void>>> = {
  ...connections,
  ...http1,
  ...http2,
  ...tls,
};
const end = performance.now() + Number(seconds) * 1_000;
const did: Record<string, number> = {};
const ended = sleep(Number(seconds) * 1_000, undefined);

const attack = attacks[name]!({
  port: Number(port),
  host,
  ended,
  over: () => performance.now() >= end,
  pause: async (ms) => void (await Promise.race([sleep(ms), ended])),
  count(what, times = 1) {
    did[what] = (did[what] ?? 0) + times;
  },
});
// It may be stuck in what the sidecar has ended.
await Promise.race([attack, ended.then(() => sleep(500))]);
process.stdout.write(`${JSON.stringify(did)}\n`, () => process.exit(0));
