import { expect, it } from 'vitest';
import { createUpstreamPool } from '../../../src/base/address.ts';
import { createLastGood } from '../../../src/forward/last-good.ts';
import { createNames } from '../../../src/forward/names.ts';
import { createUpstreamConnections } from '../../../src/forward/upstream-connections.ts';
import { until } from '../../harness/until.ts';
import { startHttpUpstream } from '../../harness/upstream.ts';
import { createManualSystem } from '../../tls/manual-system.ts';

it('a homeserver that comes back while it is being asked is asked by one timer still', async ({ onTestFinished }) => {
  const system = createManualSystem();
  let asked = 0;
  let slow = true;
  const waiting: (() => void)[] = [];
  const upstream = await startHttpUpstream((_request, response) => {
    asked++;
    // An idle connection would have a timer of its own.
    response.setHeader('Connection', 'close');
    const answer = () => void response.end('{}');
    if (slow) waiting.push(answer);
    else answer();
  });
  const at = { kind: 'tcp' as const, host: '127.0.0.1', port: upstream.port, text: upstream.url };
  const connections = createUpstreamConnections(createUpstreamPool([at]), { system, names: createNames({ system }) });
  const kept = createLastGood({ serverName: 'a.test', connections }, { system });
  onTestFinished(async () => {
    kept.close();
    connections.close();
    await upstream.close();
  });
  await system.advance(10_000);
  await until('it is being asked', () => asked === 1);
  for (let round = 1; round <= 4; round++) {
    kept.refresh();
    await system.advance(2_000);
  }
  slow = false;
  for (const answer of waiting.splice(0)) answer();
  await until('all is fetched', () => kept.find('/_matrix/client/versions') !== undefined);
  await system.advance(10_000);
  await until('all have said their last', () => connections.busy === 0);
  expect(system.pending()).toBe(1);
  const before = asked;
  await system.advance(3_600_000);
  await until('it was asked again', () => asked >= before + 3);
  await until('that is over', () => connections.busy === 0 && system.pending() >= 1);
  expect(asked - before).toBe(3);
});
