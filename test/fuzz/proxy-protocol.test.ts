import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCidrSet, parseCidr } from '../../src/base/cidr.ts';
import { realSystem } from '../../src/base/system.ts';
import { createPlainServer } from '../../src/listen/plain-listener.ts';
import { MAX_PROXY_HEADER, parseProxyHeader } from '../../src/listen/proxy-protocol.ts';
import { anyText } from '../harness/any-text.ts';

const LIMITS = { numRuns: 3_000, interruptAfterTimeLimit: 8_000 };
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

const bytes = fc.uint8Array({ maxLength: 700 }).map((array) => Buffer.from(array));
const port = fc.integer({ min: 1, max: 65_535 });
const ipv4 = fc.ipV4().filter((address) => address.split('.').every((part) => /^\d{1,3}$/.test(part)));

/** Bytes that start like a header and go wrong later. */
const almost = fc
  .tuple(
    fc.constantFrom('PROXY ', 'PROXY TCP4 ', 'PROXY TCP6 ', 'PROXY UNKNOWN', SIGNATURE.toString('latin1')),
    fc.array(
      fc.oneof(
        fc.constantFrom(
          '\r\n',
          '\r',
          '\n',
          ' ',
          '1.2.3.4',
          '::1',
          '65536',
          '443',
          '\0',
          '\x21\x11\0\x0c',
          '\x20\0\xff\xff',
          'a'.repeat(120),
        ),
        anyText({ maxLength: 20 }),
      ),
      { maxLength: 30 },
    ),
  )
  .map(([start, rest]) => Buffer.from(start + rest.join(''), 'latin1'));

const version1 = fc
  .oneof(
    fc.tuple(fc.constant('TCP4'), ipv4, ipv4, port, port),
    fc
      .tuple(fc.constant('TCP6'), fc.ipV6(), fc.ipV6(), port, port)
      .filter(([, from, to]) => !`${from}${to}`.includes('.')),
  )
  .map(([protocol, from, to, fromPort, toPort]) => ({
    header: Buffer.from(`PROXY ${protocol} ${from} ${to} ${fromPort} ${toPort}\r\n`, 'latin1'),
    port: fromPort,
    address: protocol === 'TCP4' ? from : undefined,
  }))
  .filter(({ header }) => header.length <= 107);

const version2 = fc
  .tuple(ipv4, ipv4, port, port, fc.uint8Array({ maxLength: 200 }))
  .map(([from, to, fromPort, toPort, extra]) => {
    const body = Buffer.alloc(12);
    for (const [index, part] of [...from.split('.'), ...to.split('.')].entries()) body[index] = Number(part);
    body.writeUInt16BE(fromPort, 8);
    body.writeUInt16BE(toPort, 10);
    const head = Buffer.from([0x21, 0x11, 0, 0]);
    head.writeUInt16BE(body.length + extra.length, 2);
    return { header: Buffer.concat([SIGNATURE, head, body, extra]), port: fromPort, address: from };
  });
const valid = fc.oneof(version1, version2);

describe('the PROXY header parser', () => {
  it('gives an answer to any bytes, and asks for no more than its bound', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          almost,
          fc.tuple(almost, bytes).map((parts) => Buffer.concat(parts)),
        ),
        (some) => {
          const header = parseProxyHeader(some);
          if (header.kind === 'incomplete') expect(some.length).toBeLessThan(MAX_PROXY_HEADER);
          if (header.kind === 'invalid') expect(header.why).toMatch(/^[a-z]/);
          if (header.kind === 'header') {
            expect(header.length).toBeLessThanOrEqual(Math.min(some.length, MAX_PROXY_HEADER));
            expect(header.length).toBeGreaterThan(0);
          }
        },
      ),
      LIMITS,
    );
  });

  it('decides on the header alone: what follows is neither read nor able to change anything', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          almost,
          valid.map(({ header }) => header),
        ),
        bytes,
        bytes,
        (some, one, other) => {
          const header = parseProxyHeader(some);
          if (header.kind !== 'header') return;
          const own = some.subarray(0, header.length);
          expect(parseProxyHeader(own)).toEqual(header);
          expect(parseProxyHeader(Buffer.concat([own, one]))).toEqual(header);
          expect(parseProxyHeader(Buffer.concat([own, other]))).toEqual(header);
        },
      ),
      LIMITS,
    );
  });

  it('never takes back what it said of a beginning: a bad one stays bad, and a part of a header is incomplete', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          almost,
          valid.map(({ header }) => header),
        ),
        fc.nat(),
        (some, cut) => {
          const part = some.subarray(0, cut % (some.length + 1));
          const early = parseProxyHeader(part);
          const late = parseProxyHeader(some);
          if (early.kind === 'invalid') expect(late.kind).toBe('invalid');
          if (early.kind === 'header') expect(late).toEqual(early);
          if (late.kind === 'header' && part.length < late.length) expect(early.kind).toBe('incomplete');
        },
      ),
      LIMITS,
    );
  });

  it('reads every well-formed header', () => {
    fc.assert(
      fc.property(valid, bytes, ({ header, port: from, address }, rest) => {
        const read = parseProxyHeader(Buffer.concat([header, rest]));
        expect(read).toMatchObject({ kind: 'header', length: header.length, source: { port: from } });
        if (address !== undefined) expect(read).toMatchObject({ source: { address } });
      }),
      LIMITS,
    );
  });
});

it('on a connection, however the network cuts it, the bytes behind the header arrive as they were sent', async () => {
  const cidr = parseCidr('127.0.0.1');
  if (!cidr.ok) throw new Error(cidr.why);
  const trusted = createCidrSet([cidr.value]);
  let accept: (socket: Socket, from: number) => void = () => {};
  const server = createPlainServer(
    { listener: 'http', proxyProtocolFrom: () => trusted, handshakeTimeout: () => 5_000 },
    { system: realSystem, onHttp1: (socket, facts) => accept(socket, facts.peerPort), onRefused: () => {} },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  try {
    await fc.assert(
      fc.asyncProperty(
        valid,
        bytes,
        fc.array(fc.nat(400), { maxLength: 6 }),
        async ({ header, port: from }, rest, cuts) => {
          const whole = Buffer.concat([header, rest]);
          const client = connect(address.port, '127.0.0.1');
          client.setNoDelay(true);
          const arrived = new Promise<{ readonly from: number; readonly rest: Buffer }>((resolve) => {
            accept = (socket, port) => {
              const chunks: Buffer[] = [];
              socket.on('data', (chunk: Buffer) => chunks.push(chunk));
              socket.once('end', () => resolve({ from: port, rest: Buffer.concat(chunks) }));
            };
          });
          let at = 0;
          for (const cut of [...cuts, whole.length]) {
            client.write(whole.subarray(at, at + cut));
            at += cut;
            await new Promise((resolve) => setImmediate(resolve));
          }
          client.end();
          expect(await arrived).toEqual({ from, rest });
          client.destroy();
        },
      ),
      { numRuns: 150, interruptAfterTimeLimit: 8_000 },
    );
  } finally {
    server.close();
  }
});
