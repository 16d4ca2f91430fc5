import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createConnection } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createLoopBack } from '../../src/acme/loop-back.ts';
import { realSystem, type System } from '../../src/base/system.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

it('is asked at the address that was found, by a name that this machine may not know', async () => {
  const heard: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    heard.push(request.headers.host);
    response.end(loopBack.answer(request.url!.split('/').pop()!));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  const dialled: string[] = [];
  const system: System = {
    ...realSystem,
    dial(target) {
      if (target.kind !== 'tcp') throw new Error('no address');
      dialled.push(`${target.host}:${target.port}`);
      return createConnection({ host: target.host, port: (server.address() as AddressInfo).port });
    },
  };
  const loopBack = createLoopBack({ system });
  const at = { name: 'matrix.nowhere.test', address: '127.0.0.1' };
  expect(await loopBack.probe(at, new AbortController().signal)).toEqual({ kind: 'ours' });
  expect([dialled, heard]).toEqual([['127.0.0.1:80'], ['matrix.nowhere.test']]);
});
