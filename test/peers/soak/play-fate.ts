import type { Arrival } from './fault-connection.ts';
import { answerBody, type RequestPlan } from './request-plan.ts';

const NAMES: Readonly<Record<number, string>> = {
  200: 'OK',
  404: 'Not Found',
  413: 'Content Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** Does to a request what its plan says. */
export function playFate(arrival: Arrival): void {
  const { plan, before, later } = arrival;
  switch (plan.fate) {
    case 'early-413':
      return answer(arrival, 413, true);
    case 'early-413-closes':
      answer(arrival, 413, false);
      return later(30, () => arrival.socket.destroy());
  }
  later(plan.wait, () => {
    if (plan.kind === 'socket') return playSocket(arrival);
    switch (plan.fate) {
      case 'says-404':
        return answer(arrival, 404, true);
      case 'says-500':
        return answer(arrival, 500, true);
      case 'says-503':
        return answer(arrival, 503, true);
      case 'dies-once':
        return before === 0 ? die(arrival) : answer(arrival, 200, true);
      case 'dies-always':
        return die(arrival);
      case 'half-head-once':
        return before === 0 ? sayHalfAHead(arrival, true) : answer(arrival, 200, true);
      case 'half-head-hangs':
        return sayHalfAHead(arrival, false);
      case 'half-body':
        return sayHalfABody(arrival, true);
      case 'half-body-hangs':
        return sayHalfABody(arrival, false);
      case 'garbage':
        arrival.act.did = 'garbage';
        return void arrival.socket.write('250 This is mail.example.org, ESMTP\r\n\r\n');
      default:
        return answer(arrival, 200, true);
    }
  });
}

function die({ act, socket, dice }: Arrival): void {
  act.did = 'died';
  if (dice.chance(0.5)) socket.resetAndDestroy();
  else socket.end();
}

function sayHalfAHead({ plan, act, socket, dice, later }: Arrival, dies: boolean): void {
  act.did = 'half a head';
  socket.write(`HTTP/1.1 200 OK\r\nX-Soak-Id: ${plan.id}\r\nContent-Le`);
  if (dies) later(dice.between(50, 1_200), () => socket.destroy());
}

const CLOSE = 'Connection: close';

function sayHalfABody(arrival: Arrival, dies: boolean): void {
  const { plan, act, socket, dice, later } = arrival;
  const body = answerBody(plan);
  act.status = 200;
  act.begun = true;
  act.did = 'half a body';
  const half = body.subarray(0, body.length / 2);
  const framing = { length: `Content-Length: ${body.length}`, chunked: 'Transfer-Encoding: chunked', close: CLOSE };
  const last = plan.framing !== 'close' && dice.chance(0.2) ? `\r\n${CLOSE}` : '';
  socket.write(writeHead(plan, 200, `${framing[plan.framing]}${last}`));
  if (plan.framing === 'chunked') socket.write(`${half.length.toString(16)}\r\n`);
  socket.write(half);
  if (plan.framing === 'chunked' && dice.chance(0.5)) socket.write('\r\n');
  // Without a length, what is closed in order would be whole.
  const resets = plan.framing === 'close' || dice.chance(0.3);
  if (dies) later(dice.between(0, 100), () => (resets ? socket.resetAndDestroy() : socket.end()));
}

function writeHead(plan: RequestPlan, status: number, framing: string): string {
  const hint = plan.hint ? `HTTP/1.1 103 Early Hints\r\nLink: </${plan.id}>\r\n\r\n` : '';
  return `${hint}HTTP/1.1 ${status} ${NAMES[status]}\r\nX-Soak-Id: ${plan.id}\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;
}

/** A whole answer. With `keep`, the connection may be used again. */
function answer(arrival: Arrival, status: number, keep: boolean): void {
  const { plan, act, socket, dice, later, done } = arrival;
  const framing = plan.method === 'HEAD' || !keep ? 'length' : plan.framing;
  const last = framing === 'close' || dice.chance(0.05);
  const close = last ? '\r\nConnection: close' : '';
  act.status = status;
  act.begun = true;
  const bytes = writeAnswer(plan, status, framing, close);
  const finish = (rest: Buffer): void => {
    socket.write(rest, (error) => {
      if (error !== null && error !== undefined) return;
      const resets = plan.fate === 'reset-after-once' && arrival.before === 0;
      act.killedAfter = resets;
      done('answered', keep && !last && !resets);
      if (resets) socket.resetAndDestroy();
      else if (last && keep) socket.end();
    });
  };
  // What follows the answer unasked must not come late: it would be the answer to the next request.
  if (plan.fate === 'extra-answer' || !dice.chance(0.15)) return finish(bytes);
  const at = dice.between(1, bytes.length - 1);
  socket.write(bytes.subarray(0, at));
  later(dice.between(1, 60), () => finish(bytes.subarray(at)));
}

function writeAnswer(plan: RequestPlan, status: number, framing: RequestPlan['framing'], close: string): Buffer {
  const body = answerBody(plan);
  if (framing === 'close') return Buffer.concat([Buffer.from(writeHead(plan, status, close.slice(2))), body]);
  if (framing === 'chunked') {
    const half = body.length >> 1;
    const chunks = [body.subarray(0, half), body.subarray(half)].flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ]);
    const trailer = plan.trailers ? `X-Soak-Trailer: ${plan.id}\r\n` : '';
    return Buffer.concat([
      Buffer.from(writeHead(plan, status, `Transfer-Encoding: chunked${close}`)),
      ...chunks,
      Buffer.from(`0\r\n${trailer}\r\n`),
    ]);
  }
  const length = plan.method === 'HEAD' ? 77 : body.length;
  const whole = Buffer.concat([Buffer.from(writeHead(plan, status, `Content-Length: ${length}${close}`)), body]);
  if (plan.fate !== 'extra-answer') return whole;
  return Buffer.concat([whole, Buffer.from('HTTP/1.1 200 OK\r\nX-Soak-Id: stray\r\nContent-Length: 5\r\n\r\nstray')]);
}

/** A WebSocket: what comes is sent back until it is as much as planned. What it carries is no business of the edge. */
function playSocket(arrival: Arrival): void {
  const { plan, act, socket, done } = arrival;
  if (plan.fate === 'says-404') return answer(arrival, 404, false);
  if (plan.fate === 'dies-always') return die(arrival);
  act.status = 101;
  act.begun = true;
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nX-Soak-Id: ${plan.id}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  const most = plan.fate === 'half-body' ? plan.answer >> 1 : plan.answer;
  let sent = 0;
  socket.on('data', (chunk: Buffer) => {
    const back = chunk.subarray(0, most - sent);
    sent += back.length;
    if (sent < most) return void socket.write(back);
    if (plan.fate === 'half-body') act.did = 'half a body';
    socket.end(back, () => {
      if (plan.fate !== 'half-body') done('answered', false);
    });
  });
}
