import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeName, encodeUpdate, parseMessage, readName } from '../../src/acme/solvers/dns-message.ts';
import { signMessage, type TsigKey, verifyAnswer } from '../../src/acme/solvers/tsig.ts';

const LIMITS = { numRuns: 3000, interruptAfterTimeLimit: 10_000 };
const NOW = 1_767_225_600_000;
const key: TsigKey = { name: 'update.key', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 7) };
const name = fc
  .array(fc.stringMatching(/^[a-z0-9_][a-z0-9_-]{0,20}$/), { minLength: 1, maxLength: 8 })
  .map((labels) => labels.join('.'));

describe('the DNS message reader', () => {
  test('gives an answer to any bytes, in bounded time', () => {
    const header = fc.uint8Array({ minLength: 12, maxLength: 12 });
    const pieces = fc.constantFrom([0xc0, 0x0c], [0xc0, 0x00], [0xff, 0xff], [0x3f], [0], [1, 0x61], [0, 250, 0, 255]);
    const body = fc.array(fc.oneof(pieces, fc.array(fc.nat(255), { maxLength: 8 })), { maxLength: 80 });
    fc.assert(
      fc.property(header, body, (head, parts) => {
        const bytes = Buffer.concat([head, Buffer.from(parts.flat())]);
        const message = parseMessage(bytes);
        for (const record of message?.records ?? []) expect(record.start).toBeLessThan(bytes.length);
        expect(verifyAnswer(bytes, key, Buffer.alloc(32), NOW).good).toBe(false);
      }),
      LIMITS,
    );
  });

  test('reads back every name that it writes', () => {
    fc.assert(
      fc.property(name, (text) => {
        expect(readName(encodeName(text), 0)).toEqual({ value: text, next: text.length + 2 });
      }),
      LIMITS,
    );
  });

  test('reads back every update that it signs', () => {
    fc.assert(
      fc.property(name, name, fc.string({ maxLength: 600 }), fc.nat(0xffff), (label, zone, value, id) => {
        fc.pre(label.length + zone.length < 250);
        const owner = `${label}.${zone}`;
        const update = encodeUpdate({ id, zone, name: owner, value, action: 'add', ttl: 60 });
        const message = parseMessage(signMessage(update, key, NOW).message);
        expect(message?.id).toBe(id);
        expect(message?.records.map((record) => [record.name, record.type])).toEqual([
          [owner, 16],
          ['update.key', 250],
        ]);
      }),
      LIMITS,
    );
  });
});
