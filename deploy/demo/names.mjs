// The DNS of the demo: addresses as the container engine has them, and the SRV records of three.test, which it has not.
// For everything else there is an answer too, that there is nothing: no question leaves this machine.
import { createSocket } from 'node:dgram';
import { promises as dns } from 'node:dns';

/** Priority, weight, port, target (RFC 2782). The second one is the name that older servers know. */
const SERVICES = new Map([
  ['_matrix-fed._tcp.three.test', [10, 5, 8443, 'matrix.three.test']],
  ['_matrix._tcp.three.test', [10, 5, 8443, 'matrix.three.test']],
]);
const [A, SRV] = [1, 33];
const NO_SUCH_NAME = 3;

/** `node names.mjs check`: whether the one that runs here answers. */
if (process.argv[2] === 'check') {
  const resolver = new dns.Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers(['127.0.0.1']);
  const [found] = await resolver.resolveSrv('_matrix-fed._tcp.three.test');
  process.exit(found.port === 8443 ? 0 : 1);
}

const socket = createSocket('udp4');
socket.on('message', (message, from) => {
  answer(message).then(
    (bytes) => bytes && socket.send(bytes, from.port, from.address),
    (error) => console.error(error),
  );
});
socket.bind(53);
process.on('SIGTERM', () => process.exit(0));

/** The answer to a question (RFC 1035 section 4.1), or undefined for what is none. */
async function answer(message) {
  const isQuestion = message.length > 12 && message[2] < 0x80 && message.readUInt16BE(4) === 1;
  if (!isQuestion) return undefined;
  const labels = [];
  let at = 12;
  for (; message[at] > 0 && message[at] < 64; at += 1 + message[at])
    labels.push(message.toString('latin1', at + 1, at + 1 + message[at]));
  if (message[at] !== 0 || at + 5 > message.length) return undefined;
  const name = labels.join('.').toLowerCase();
  const found = await find(name, message.readUInt16BE(at + 1));
  const header = Buffer.alloc(12);
  message.copy(header, 0, 0, 2);
  // It is an answer, of the one who knows, and recursion is to be had.
  header.writeUInt16BE(0x8580 | (found === undefined ? NO_SUCH_NAME : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(found?.length ?? 0, 6);
  return Buffer.concat([header, message.subarray(12, at + 5), ...(found ?? []).map(record)]);
}

/** Records as `[type, data]`; undefined where there is no such name. */
async function find(name, type) {
  const service = SERVICES.get(name);
  if (service !== undefined) return type === SRV ? [[SRV, serviceData(service)]] : [];
  // Services of the compose file, and the servers' names. The engine would ask others for what it does not know.
  if (name.includes('.') && !/^([^_.]+\.)?(one|two|three)\.test$/.test(name)) return undefined;
  const addresses = await dns.lookup(name, { family: 4, all: true }).catch(() => undefined);
  if (addresses === undefined) return undefined;
  return type === A ? addresses.map(({ address }) => [A, Buffer.from(address.split('.').map(Number))]) : [];
}

/** For the name in the question (offset 12), for nobody to keep: a container that is made anew has another address. */
function record([type, data]) {
  const fields = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
  return Buffer.concat([fields, data]);
}

function serviceData([priority, weight, port, target]) {
  const numbers = Buffer.from([priority, weight, port].flatMap((number) => [number >> 8, number & 0xff]));
  const labels = target.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([numbers, ...labels, Buffer.from([0])]);
}
