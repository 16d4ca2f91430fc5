import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_CLIENT_HELLO, parseClientHello } from '../../src/listen/client-hello.ts';
import { recordHello, splitRecords } from '../listen/record-hello.ts';

const LIMITS = { numRuns: 3000, interruptAfterTimeLimit: 10_000 };

describe('the ClientHello reader', () => {
  test('gives an answer to any bytes, and asks for more only within its bound', () => {
    const start = fc.constantFrom('', '16', '1603', '160301', '1603010200', '160301020001', '16030102000100');
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 700 }), (hex, rest) => {
        const bytes = Buffer.concat([Buffer.from(hex, 'hex'), rest]);
        const reading = parseClientHello(bytes);
        if (reading.kind === 'incomplete') {
          expect(reading.need).toBeGreaterThan(bytes.length);
          expect(reading.need).toBeLessThanOrEqual(MAX_CLIENT_HELLO);
        } else expect(['hello', 'not-tls']).toContain(reading.kind);
      }),
      LIMITS,
    );
  });

  test('gives an answer to a real hello with bytes changed, and the same answer however it is cut', async () => {
    const hello = await recordHello({ servername: 'matrix.example.test', ALPNProtocols: ['h2', 'acme-tls/1'] });
    const changes = fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(changes, fc.integer({ min: 40, max: 4_000 }), (all, size) => {
        const bytes = Buffer.from(hello);
        // The record's own header stays, or there is nothing to cut.
        for (const [at, value] of all) if (at >= 5) bytes[at] = value;
        const whole = parseClientHello(bytes);
        const cut = parseClientHello(splitRecords(bytes, size));
        if (whole.kind !== 'incomplete') expect(cut).toEqual(whole);
        else expect(cut.kind).not.toBe('hello');
      }),
      LIMITS,
    );
  });

  test('is done with the worst hello in a few milliseconds', () => {
    const crumbs = Buffer.concat([
      Buffer.from([22, 3, 1, 0, 4, 1, 0, 0xf0, 0]),
      ...Array.from({ length: 62 }, () => Buffer.concat([Buffer.from([22, 3, 1, 0x04, 0]), Buffer.alloc(1024)])),
    ]);
    const took = [1, 2, 3].map(() => {
      const before = performance.now();
      expect(parseClientHello(crumbs).kind).toBe('not-tls');
      return performance.now() - before;
    });
    expect(Math.min(...took)).toBeLessThan(20);
  });
});
