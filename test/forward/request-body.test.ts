import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { type BodySink, type Exchange, requestIncomplete } from '../../src/forward/exchange.ts';
import {
  COLLECT_UP_TO,
  collectBody,
  declaresTooMuch,
  isCollectable,
  streamBody,
} from '../../src/forward/request-body.ts';
import { createManualSystem } from '../tls/manual-system.ts';

const RULES = { limit: 100_000, stalled: 1_000 };

/** An exchange as far as its body goes, which the test sends by hand. */
function createSender(contentLength?: number) {
  const sender = {
    contentLength,
    sink: undefined as BodySink | undefined,
    resumed: 0,
    readBody(sink: BodySink): void {
      sender.sink = sink;
    },
    resumeBody(): void {
      sender.resumed++;
    },
  };
  return { sender, exchange: sender as unknown as Exchange };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the declared length', () => {
  it.each([
    [undefined, false, false],
    [0, false, true],
    [COLLECT_UP_TO, false, true],
    [COLLECT_UP_TO + 1, false, false],
    [100_000, false, false],
    [100_001, true, false],
  ])('%s: too much %j, collectable %j', (length, tooMuch, collectable) => {
    const { exchange } = createSender(length);
    expect([declaresTooMuch(exchange, RULES.limit), isCollectable(exchange)]).toEqual([tooMuch, collectable]);
  });
});

describe('a collected body', () => {
  function collect(limit = RULES.limit) {
    const { sender, exchange } = createSender(10);
    const system = createManualSystem();
    const outcomes: (Buffer | SidecarError)[] = [];
    collectBody(exchange, { ...RULES, limit }, system, (outcome) => outcomes.push(outcome));
    return { sink: sender.sink!, system, outcomes };
  }

  it.each([[[]], [['one']], [['one', 'two', 'three']]])('is all of %j', (pieces) => {
    const { sink, outcomes, system } = collect();
    for (const piece of pieces) expect(sink.data(Buffer.from(piece))).toBe(true);
    expect(outcomes).toEqual([]);
    sink.end();
    expect(outcomes).toEqual([Buffer.from(pieces.join(''))]);
    expect(system.pending()).toBe(0);
  });

  it('above the limit is refused once, whatever still comes', () => {
    const { sink, outcomes } = collect(5);
    sink.data(Buffer.from('12345'));
    expect(outcomes).toEqual([]);
    sink.data(Buffer.from('6'));
    sink.data(Buffer.from('7'));
    sink.end();
    expect(outcomes).toEqual([expect.objectContaining({ code: 'body-too-large', blame: 'client' })]);
  });

  it('that is cut short says so once', () => {
    const { sink, outcomes, system } = collect();
    const failure = requestIncomplete();
    sink.data(Buffer.from('1'));
    sink.failed(failure);
    sink.failed(requestIncomplete());
    expect(outcomes).toEqual([failure]);
    expect(system.pending()).toBe(0);
  });

  it('that stops arriving says so', async () => {
    const { sink, outcomes, system } = collect();
    sink.data(Buffer.from('1'));
    await system.advance(RULES.stalled);
    sink.end();
    expect(outcomes).toEqual([expect.objectContaining({ code: 'body-stalled', blame: 'client' })]);
  });
});

describe('a streamed body', () => {
  function stream() {
    const { sender, exchange } = createSender();
    const system = createManualSystem();
    const body = streamBody(exchange, RULES, system);
    const errors: Error[] = [];
    body.readable.on('error', (error) => errors.push(error));
    return { sender, system, ...body, errors };
  }
  const read = (readable: Readable): string => (readable.read() as Buffer | null)?.toString() ?? '';

  it('is not asked for before somebody reads, and nobody is in arrears until then', async () => {
    const { sender, system, errors, readable } = stream();
    await system.advance(10 * RULES.stalled);
    expect([sender.sink, errors, system.pending()]).toEqual([undefined, [], 0]);
    readable.read(0);
    expect(sender.sink).toBeDefined();
    await system.advance(RULES.stalled);
    expect(errors).toEqual([expect.objectContaining({ code: 'body-stalled' })]);
  });

  it('comes piece by piece, and ends', async () => {
    const { sender, readable, received, system } = stream();
    readable.read(0);
    sender.sink!.data(Buffer.from('one'));
    expect(read(readable)).toBe('one');
    sender.sink!.data(Buffer.from('two'));
    sender.sink!.end();
    expect(read(readable)).toBe('two');
    expect(received()).toBe(6);
    let ended = false;
    readable.once('end', () => {
      ended = true;
    });
    readable.resume();
    await turn();
    expect([ended, system.pending()]).toEqual([true, 0]);
  });

  it('holds its sender back when nobody reads, and asks again when somebody does', async () => {
    const { sender, readable, system, errors } = stream();
    readable.read(0);
    expect(sender.sink!.data(Buffer.alloc(30_000))).toBe(true);
    expect(sender.sink!.data(Buffer.alloc(40_000))).toBe(false);
    // The homeserver's time, not the client's.
    await system.advance(10 * RULES.stalled);
    expect(errors).toEqual([]);
    const before = sender.resumed;
    readable.read();
    await turn();
    expect(sender.resumed).toBeGreaterThan(before);
  });

  it('above the limit is refused, and the rest is thrown away without holding the sender back', async () => {
    const { sender, readable, errors } = stream();
    readable.resume();
    await turn();
    sender.sink!.data(Buffer.alloc(100_000));
    await turn();
    expect(errors).toEqual([]);
    expect(sender.sink!.data(Buffer.alloc(1))).toBe(true);
    await turn();
    expect(errors).toEqual([expect.objectContaining({ code: 'body-too-large' })]);
    expect(sender.sink!.data(Buffer.alloc(100_000))).toBe(true);
    sender.sink!.end();
    expect(readable.destroyed).toBe(true);
  });

  it('that is cut short fails', async () => {
    const { sender, readable, errors, system } = stream();
    readable.read(0);
    sender.sink!.failed(requestIncomplete());
    await turn();
    expect(errors).toEqual([expect.any(SidecarError)]);
    expect(system.pending()).toBe(0);
  });

  it('that nobody wants any more fails nobody', async () => {
    const { exchange } = createSender();
    const { readable } = streamBody(exchange, RULES, createManualSystem());
    readable.destroy(new Error('too late'));
    await turn();
    expect(readable.destroyed).toBe(true);
  });
});
