import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOOK_EVERY } from '../../src/app/probe-answers.ts';
import { createProbeToken, PROBE_KEY, PROBE_PREFIX, proveProbe } from '../../src/base/self-probe.ts';
import { ask, sendRaw } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let sidecar: TestSidecar;
let homeserver: TestUpstream;
const reached: string[] = [];
const key = randomBytes(32);
const token = (from = key, at = Date.now()): string => createProbeToken(from, at, randomBytes(10));

function store(bytes: Buffer): void {
  const path = join(sidecar.folder, 'certs', PROBE_KEY);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  chmodSync(path, 0o600);
}

beforeAll(async () => {
  homeserver = await startHttpUpstream((request, response) => {
    reached.push(request.url ?? '');
    response.end('{}');
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: localhost, homeserver: "${homeserver.url}" }]\n`);
});
afterAll(async () => {
  await sidecar.close();
  await homeserver.close();
});

describe('a probe', () => {
  it('is answered with what arrived, byte for byte, and with a proof, once there is a key', async () => {
    // Asked for before there is a key: the sidecar then looks again for the one that doctor makes.
    expect((await ask(sidecar, `${PROBE_PREFIX}${token()}`)).status).toBe(404);
    store(key);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY + 50));
    const mine = token();
    const target = `${PROBE_PREFIX}${mine}/a%2Fb%2f//'!$:@;{|}"/%2E%2E/?x=%2F&&y=`;
    for (const on of ['https', 'federation'] as const) {
      const answer = await ask(sidecar, target, { on, headers: { Via: '1.1 somebody', 'CF-Ray': 'x' } });
      expect(answer.status).toBe(200);
      expect(answer.json()).toEqual({
        proof: proveProbe(key, mine),
        target,
        listener: on,
        peer: '127.0.0.1',
        host: `127.0.0.1:${sidecar[on]}`,
        proxies: ['via', 'cf-ray'],
      });
    }
  });

  it('is answered on the clear-text port where a CA would look', async () => {
    const mine = token();
    const request = `GET /.well-known/acme-challenge/${mine} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    const { text } = await sendRaw(sidecar, request, { on: 'http' });
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text.endsWith(proveProbe(key, mine))).toBe(true);
  });

  it.each([
    ['with another key', () => token(randomBytes(32))],
    ['that is old', () => token(key, Date.now() - 400_000)],
    ['from the future', () => token(key, Date.now() + 400_000)],
    ['that was altered', () => token().replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))],
    ['that is none', () => 'probe-'],
    ['that is long', () => `probe-${'A'.repeat(4_000)}`],
  ])('%s is told what strangers are told, and the homeserver is not asked', async (_, make) => {
    const answer = await ask(sidecar, `${PROBE_PREFIX}${make()}`);
    expect([answer.status, answer.json()['errcode']]).toEqual([404, 'M_UNRECOGNIZED']);
    expect(answer.body.toString()).not.toContain('proof');
    expect(reached).toEqual([]);
  });
});

describe('where connections come from', () => {
  it('is told by the status', () => {
    expect(sidecar.sidecar.status().clients).toEqual({ connections: 0, distinct: 0, only: null });
  });
});
