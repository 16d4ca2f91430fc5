import { formatHostPort } from '../../base/address.ts';
import type { HttpsExchange } from '../../base/https-exchange.ts';
import type { System, Timer } from '../../base/system.ts';
import type { CliIo } from '../io.ts';

/** Milliseconds after which somebody who watches wants to know, and between two signs of life. */
const FIRST = 1_000;
const AGAIN = 250;
const WIPE = '\r\u001b[K';

export interface Progress {
  /** The same, but what it waits for is shown. */
  watch(exchange: HttpsExchange): HttpsExchange;
  /** Wipes the line. Idempotent. */
  end(): void;
}

/** On a terminal, a line of what is waited for, from the first second on; nothing elsewhere. */
export function showProgress(
  serverName: string,
  { io, system }: { readonly io: CliIo; readonly system: System },
): Progress {
  if (!io.isTerminal) return { watch: (exchange) => exchange, end: () => {} };
  const begin = system.monotonic();
  const waiting: string[] = [];
  let answers = 0;
  let shown = false;
  let timer: Timer | undefined = system.setTimer(FIRST, tick);

  function tick(): void {
    const seconds = Math.round((system.monotonic() - begin) / 1000);
    const where = waiting[0] === undefined ? 'asking the DNS' : `waiting for ${waiting[0]}`;
    const line = `Testing ${serverName}: ${seconds} s, ${answers} answers, ${where} ...`;
    // A line that is broken cannot be wiped.
    io.stderr(`${WIPE}${line.slice(0, (io.columns ?? 80) - 1)}`);
    shown = true;
    timer = system.setTimer(AGAIN, tick);
  }

  return {
    watch: (exchange) => ({
      async request(request, options) {
        const place = formatHostPort(request.address, request.port);
        waiting.push(place);
        try {
          return await exchange.request(request, options);
        } finally {
          waiting.splice(waiting.indexOf(place), 1);
          answers += 1;
        }
      },
    }),
    end() {
      timer?.cancel();
      timer = undefined;
      if (shown) io.stderr(WIPE);
      shown = false;
    },
  };
}
