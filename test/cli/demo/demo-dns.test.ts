import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeName } from '../../../src/acme/solvers/dns-message.ts';
import { createDnsClient } from '../../../src/base/dns.ts';
import { answerQuestion, type DemoDns, type DemoDnsSlice, startDemoDns } from '../../../src/cli/demo/demo-dns.ts';

const SLICE: DemoDnsSlice = {
  zones: ['three.test'],
  records: [
    { name: 'three.test', type: 'A', address: '127.0.0.4' },
    { name: '_matrix._tcp.three.test', type: 'SRV', priority: 10, weight: 5, port: 8443, target: 'matrix.three.test' },
  ],
};

let dns: DemoDns;
beforeEach(async () => {
  dns = await startDemoDns(SLICE);
});
afterEach(() => dns.close());

describe('the demo\u2019s DNS', () => {
  const client = createDnsClient({ timeout: 500 });

  test('answers questions for addresses and services', async () => {
    const server = { server: dns.text };
    expect(await client.resolveAddresses('three.test', server)).toEqual(['127.0.0.4']);
    expect(await client.resolveAddresses('THREE.test', server)).toEqual(['127.0.0.4']);
    expect(await client.resolveSrv('_matrix._tcp.three.test', server)).toEqual([
      { target: 'matrix.three.test', port: 8443, priority: 10, weight: 5 },
    ]);
  });

  test('says that a name has no such record, or does not exist', async () => {
    const server = { server: dns.text };
    expect(await client.resolveSrv('three.test', server)).toEqual([]);
    expect(await client.resolveCname('three.test', server)).toBeUndefined();
    expect(await client.resolveAddresses('nobody.three.test', server)).toEqual([]);
  });

  test('refuses questions about other names than the demo\u2019s', async () => {
    await expect(client.resolveAddresses('example.com', { server: dns.text })).rejects.toThrow(/refus/i);
  });

  test('gets another port where the usual one is taken', async () => {
    const second = await startDemoDns(SLICE);
    try {
      expect(second.text).not.toBe(dns.text);
      expect(await client.resolveAddresses('three.test', { server: second.text })).toEqual(['127.0.0.4']);
    } finally {
      await Promise.all([second.close(), second.close()]);
    }
  });
});

describe('one answer', () => {
  const ask = (name: string, type: number, flags = 0x0100): Buffer => {
    const header = Buffer.from([0xab, 0xcd, flags >> 8, flags & 0xff, 0, 1, 0, 0, 0, 0, 0, 0]);
    return Buffer.concat([header, encodeName(name), Buffer.from([0, type, 0, 1])]);
  };

  test.each([
    ['an address', ask('three.test', 1), { rcode: 0, answers: 1 }],
    ['everything', ask('three.test', 255), { rcode: 0, answers: 1 }],
    ['IPv6, of which there is none', ask('three.test', 28), { rcode: 0, answers: 0 }],
    ['a name with names below it only', ask('_tcp.three.test', 1), { rcode: 0, answers: 0 }],
    ['a name that is not there', ask('four.three.test', 1), { rcode: 3, answers: 0 }],
    ['a name that only ends alike', ask('notthree.test', 1), { rcode: 5, answers: 0 }],
    ['an update', ask('three.test', 6, 0x2800), { rcode: 4, answers: 0 }],
  ])('to a question for %s', (_, question, { rcode, answers }) => {
    const answer = answerQuestion(question, SLICE)!;
    expect(answer.readUInt16BE(0)).toBe(0xabcd);
    expect(answer[2]! & 0x80).toBe(0x80);
    expect([answer[3]! & 0x0f, answer.readUInt16BE(6)]).toEqual([rcode, answers]);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['half a header', ask('three.test', 1).subarray(0, 11)],
    ['half a name', ask('three.test', 1).subarray(0, 18)],
    ['no type', ask('three.test', 1).subarray(0, -2)],
    ['an answer', ask('three.test', 1, 0x8000)],
  ])('is not given to %s', (_, message) => {
    expect(answerQuestion(message, SLICE)).toBeUndefined();
  });

  test('to whatever bytes is short, or none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const answer = answerQuestion(Buffer.from(bytes), SLICE);
        expect(answer === undefined || answer.length <= 512).toBe(true);
      }),
    );
  });
});
