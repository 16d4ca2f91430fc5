// A program: a client that asks for the well-known document every 50 ms, on a connection of its own each time and on one
// that it keeps. Prints a line for each: when it was due (milliseconds since the epoch), `fresh` or `kept`, and how many
// milliseconds after that the answer was there, or why there was none. Arguments: port, name.
import { Agent, request } from 'node:https';

const [port = '', host = ''] = process.argv.slice(2);
const EVERY = 50;
const PATIENCE = 10_000;
/** Nobody else's address. */
const ADDRESS = '127.200.0.1';

const kept = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });

function ask(kind: 'fresh' | 'kept'): void {
  const due = performance.now();
  const at = Date.now();
  const say = (what: string | number): void => void process.stdout.write(`${at} ${kind} ${what}\n`);
  const sent = request({
    ...{ host: '127.0.0.1', port, path: '/.well-known/matrix/server', headers: { host }, localAddress: ADDRESS },
    ...{ servername: host, rejectUnauthorized: false, agent: kind === 'kept' ? kept : false },
  });
  sent.setTimeout(PATIENCE, () => sent.destroy(new Error('timeout')));
  sent.once('error', (error: NodeJS.ErrnoException) => say(error.code ?? error.message));
  sent.once('response', (response) => {
    response.resume();
    response.once('end', () =>
      say(response.statusCode === 200 ? (performance.now() - due).toFixed(2) : `status-${response.statusCode}`),
    );
  });
  sent.end();
}

setInterval(() => ask('fresh'), EVERY);
setTimeout(() => setInterval(() => ask('kept'), EVERY), EVERY / 2);
