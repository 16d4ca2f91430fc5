// A program: a homeserver that answers at once. Prints its port.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a stranger would ask for to be sent much: of a media file, or of an initial sync. */
const BIG = Buffer.alloc(4 * 1024 * 1024, 'x');

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  const { url = '' } = request;
  if (url.includes('/big')) response.end(BIG);
  else if (url.includes('/nothing')) response.writeHead(404).end('{"errcode":"M_UNRECOGNIZED"}');
  else response.end('{}');
});
server.listen(0, '127.0.0.1', 4096, () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
