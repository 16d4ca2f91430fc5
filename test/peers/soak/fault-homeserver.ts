import { closeSync, openSync, readSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createSeededRandom } from '../../harness/seeded-random.ts';
import type { Act, Command, Message, Span, Vanishing } from './act.ts';
import { type FaultConnection, type Homeserver, serveConnection } from './fault-connection.ts';

/** A homeserver that misbehaves, in a process of its own: `node fault-homeserver.ts SEED ADDRESS`; told what to do by its parent. */

const seed = Number(process.argv[2]);
const dice = createSeededRandom(seed + 1);
const acts = new Map<string, Act[]>();
const complaints: string[] = [];
const vanished: Vanishing[] = [];
const starts: Span[] = [];
const heard = new Set<string>();
const connections = new Map<Socket, FaultConnection>();
const servers = new Map<number, Server>();
let address = process.argv[3] ?? '127.0.0.1';
let startingUntil = 0;
let goneUntil = 0;
let accepted = 0;

const homeserver: Homeserver = {
  seed,
  dice,
  isStarting: () => performance.now() < startingUntil,
  actsOn(id) {
    const known = acts.get(id) ?? [];
    acts.set(id, known);
    return known;
  },
  isHeard: (id) => heard.has(id),
  vanish: (most) => void vanished.push({ at: Date.now(), most }),
  complain(what) {
    if (complaints.length < 100) complaints.push(what);
  },
};

async function listen(port: number): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    accepted++;
    connections.set(socket, serveConnection(socket, homeserver));
    socket.once('close', () => connections.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, 1_000, resolve);
  });
  const at = (server.address() as { port: number }).port;
  servers.set(at, server);
  return at;
}

/** Kills what is open, at once and as it comes. */
function killAll(): void {
  for (const connection of connections.values()) connection.kill(dice.chance(0.5) ? 'reset' : 'close');
}

/** Away for so many milliseconds: whoever comes is refused. */
async function goAway(ms: number): Promise<void> {
  goneUntil = Math.max(goneUntil, performance.now() + ms);
  const ports = [...servers.keys()];
  // The system resets what nobody has accepted yet; one more may come while that is counted.
  homeserver.vanish(countUnaccepted(ports) + ports.length);
  for (const server of servers.values()) server.close();
  servers.clear();
  killAll();
  if (ports.length === 0) return;
  while (performance.now() < goneUntil) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const port of ports) await listen(port);
}

/** Connections to these ports that have come, and that no program has yet. */
function countUnaccepted(ports: readonly number[]): number {
  const LISTENS = '0A';
  let count = 0;
  for (const line of readListeners().split('\n')) {
    const [, at = '', , state, queues = ''] = line.trim().split(/\s+/);
    if (state !== LISTENS || !ports.includes(Number.parseInt(at.split(':')[1] ?? '', 16))) continue;
    count += Number.parseInt(queues.split(':')[1] ?? '0', 16);
  }
  return count;
}

/** They come first. The thousands of connections behind them take long to read, and more would come meanwhile. */
function readListeners(): string {
  const file = openSync('/proc/net/tcp', 'r');
  const text = Buffer.alloc(16 * 1024);
  try {
    return text.toString('latin1', 0, readSync(file, text));
  } finally {
    closeSync(file);
  }
}

const send = (message: Message): void => void process.send?.(message);

process.on('message', (command: Command) => {
  switch (command.do) {
    case 'go':
      return void goAway(command.ms);
    case 'move':
      address = command.address;
      return void goAway(50);
    case 'open':
      return void listen(command.port).then((port) => send({ says: 'listening', port }));
    case 'start':
      startingUntil = performance.now() + command.ms;
      starts.push({ from: Date.now(), to: Date.now() + command.ms });
      return;
    case 'heard':
      heard.add(command.id);
      return;
    case 'drop':
      for (const connection of connections.values()) if (!connection.busy) connection.kill('close');
      return;
    case 'tell':
      return send({
        says: 'account',
        account: {
          acts: Object.fromEntries(acts),
          connections: accepted,
          vanished,
          starts,
          open: [...connections.values()].filter(({ busy }) => busy).length,
          complaints,
        },
      });
  }
});
process.once('disconnect', () => process.exit());
process.on('uncaughtException', (error) => homeserver.complain(`defect of the homeserver: ${error.stack}`));
send({ says: 'listening', port: await listen(0) });
