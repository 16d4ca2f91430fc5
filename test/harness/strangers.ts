import { expect } from 'vitest';
import { ask, type RawOutcome } from './client.ts';
import { type RecordingUpstream, startRecordingUpstream } from './recording-upstream.ts';
import { startTestSidecar, type TestSidecar } from './sidecar.ts';
import { until } from './until.ts';

/** A sidecar with short limits in front of a homeserver that keeps every byte. */
export interface Edge {
  readonly upstream: RecordingUpstream;
  readonly sidecar: TestSidecar;
  /** After whatever was done to it: nothing is under way any more, and an ordinary request is served as ever. */
  expectAlive(): Promise<void>;
  close(): Promise<void>;
}

export const SHORT_LIMITS = 'limits: { handshake: 1s, request_headers: 1s, stalled: 1s, keep_alive: 1s }';

export async function startEdge(
  options: { readonly limits?: string; readonly answer?: Parameters<typeof startRecordingUpstream>[0] } = {},
): Promise<Edge> {
  const upstream = await startRecordingUpstream(options.answer);
  const sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\n${options.limits ?? SHORT_LIMITS}`,
  );
  let checks = 0;
  return {
    upstream,
    sidecar,
    async expectAlive() {
      await until('nothing is under way', () => sidecar.sidecar.status().requests_in_flight === 0);
      await until('no half request is left at the homeserver', () => upstream.unfinished() === 0);
      // What is a stranger's fault is not logged as ours.
      expect(sidecar.logged.filter(({ level }) => level === 'error')).toEqual([]);
      checks++;
      const path = `/_matrix/client/versions?check=${checks}`;
      const answer = await ask(sidecar, path, { headers: { Host: 'a.test' } });
      expect(answer.status).toBe(200);
      expect(upstream.requests().filter(({ target }) => target === path).length).toBe(1);
    },
    async close() {
      await sidecar.close();
      await upstream.close();
    },
  };
}

/** The statuses of the final answers on a raw connection, in order. */
export function statusesIn(outcome: RawOutcome): number[] {
  return [...outcome.text.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g)].map((match) => Number(match[1]));
}

/** The last answer is one of the sidecar's own, with a body that a Matrix client can read, and the connection ended. */
export function expectRefusal(outcome: RawOutcome, statuses: readonly number[]): void {
  expect(outcome.ended, outcome.text).toBe('closed');
  const [head = '', body = ''] = (outcome.text.split(/(?=HTTP\/1\.1 [2-5]\d\d )/).at(-1) ?? '').split('\r\n\r\n');
  expect(statuses, outcome.text).toContain(Number(head.slice(9, 12)));
  expect(head.toLowerCase()).toMatch(/\r\ncontent-type: application\/json\r\n/);
  expect(head.toLowerCase()).toMatch(/\r\naccess-control-allow-origin: \*\r\n/);
  expect(head.toLowerCase()).toMatch(/\r\nconnection: close(\r\n|$)/);
  const said = JSON.parse(body) as { errcode?: unknown; error?: unknown };
  expect(said.errcode).toMatch(/^M_[A-Z_]+$/);
  expect(said.error).toMatch(/^[A-Z].{10}/);
}
