// node bench/scripted-upstream.ts PORT: a homeserver that does as the request says. It reads the body, waits as many
// milliseconds as the header x-bench-wait says, and answers 200 with as many bytes of JSON as x-bench-size says. A PUT or
// POST whose body is not as long as its content-length gets no answer, as from any server. /bench/held: how many wait.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { jsonOfSize, SMALL } from './peers/fixed-upstream.ts';

const bodies = new Map<number, Buffer>();
let held = 0;

function bodyOf(size: number): Buffer {
  const known = bodies.get(size) ?? Buffer.from(jsonOfSize(size));
  bodies.set(size, known);
  return known;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const body =
    request.url === '/bench/held'
      ? Buffer.from(String(held))
      : bodyOf(Number(request.headers['x-bench-size'] ?? SMALL));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

const server = createServer((request, response) => {
  const wait = Number(request.headers['x-bench-wait'] ?? 0);
  request.resume();
  request.on('end', () => {
    if (wait === 0) return answer(request, response);
    held++;
    const timer = setTimeout(() => answer(request, response), wait);
    response.on('close', () => {
      held--;
      clearTimeout(timer);
    });
  });
});
server.keepAliveTimeout = 300_000;
server.requestTimeout = 0;
server.headersTimeout = 0;
server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 8192 });
