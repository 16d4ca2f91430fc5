import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { VERSION } from '../../src/base/version.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { ask } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let folder: string;
let upstream: TestUpstream;
let sidecar: TestSidecar;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'status-'));
  upstream = await startHttpUpstream((_request, response) => void response.end('{}'));
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
  await rm(folder, { recursive: true, force: true });
});

async function status(admin: string, args: readonly string[] = [], colour = false) {
  const file = join(folder, 'sidecar.yaml');
  await writeFile(
    file,
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\ncertificates: local\nlisten: { admin: ${admin} }\n`,
  );
  const [out, err]: [string[], string[]] = [[], []];
  const io: CliIo = {
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    ...{ env: {}, cwd: folder, isTerminal: colour, colour, columns: colour ? 80 : undefined, exitCode: 0 },
  };
  await runCommandLine(['status', '--config', file, ...args], io);
  return { code: io.exitCode, out: out.join(''), err: err.join('') };
}
const here = (): string => `"127.0.0.1:${sidecar.admin}"`;

/** Answers whatever is asked with one text. */
async function withOther(body: string, look: (admin: string) => Promise<void>): Promise<void> {
  const other = createServer((_request, response) => void response.end(body));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  try {
    await look(`"127.0.0.1:${(other.address() as AddressInfo).port}"`);
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
}

it('all well: the facts, exit 0, and colours on a terminal only', async () => {
  const { code, out, err } = await status(here());
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/^✓ All is well: a\.test is up, and the certificate is good for \d+ days\.\n/);
  expect(out).toContain(upstream.url);
  expect(out).toContain(`https       127.0.0.1:${sidecar.https}`);
  expect(out).not.toContain('\u001b');
  expect((await status(here(), [], true)).out).toContain('\u001b[32m');
});

it('as JSON it is what the admin listener says', async () => {
  const { code, out } = await status(here(), ['--format', 'json']);
  expect([code, JSON.parse(out)]).toMatchObject([0, { version: VERSION, verdict: { ok: true }, servers: [{}] }]);
});

it('something wrong: that first, and exit 1, also as JSON', async () => {
  const lonely = await startTestSidecar('servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]');
  try {
    void ask(lonely, '/_matrix/client/v3/sync', { headers: { host: 'a.test' } }).catch(() => {});
    const at = `"127.0.0.1:${lonely.admin}"`;
    await until('noticed', async () => (await status(at)).code === 1);
    expect((await status(at)).out).toMatch(/^✗ The homeserver of a\.test has been away since /);
    expect(await status(at, ['--format', 'json'])).toMatchObject({ code: 1, err: '' });
  } finally {
    await lonely.close();
  }
});

it('not running, or off: one sentence, the next step, exit 1', async () => {
  const gone = await status('"127.0.0.1:1"');
  expect([gone.code, gone.out]).toEqual([1, '']);
  expect(gone.err).toMatch(
    /^No sidecar answers at 127\.0\.0\.1:1 \(listen\.admin\): nothing listens there\.\nRun this /,
  );
  const off = await status('off');
  expect([off.code, off.out]).toEqual([1, '']);
  expect(off.err).toMatch(/^The admin listener is off \(listen\.admin\), [^\n]*\.\nSet listen\.admin: [^\n]*\n$/);
});

it.each([
  ['no JSON', 'hello', 'what answers there is no sidecar'],
  ['other JSON', '{"version":"1"}', 'what answers there is no sidecar'],
  ['another release', '{"version":"\\u001b[31m9.9.9","servers":[]}', 'is version ?[31m9.9.9, and this command is'],
  ['one that pretends', JSON.stringify({ version: VERSION, servers: [] }), 'says other things'],
])('what answers with %s is not taken for ours', (_, body, says) =>
  withOther(body, async (admin) => {
    const { code, out, err } = await status(admin);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(says);
    expect(err).not.toContain('\u001b');
  }),
);

it('wrong usage is exit 2', async () => {
  expect((await status(here(), ['--format', 'xml'])).code).toBe(2);
  expect((await status(here(), ['too-much'])).code).toBe(2);
});

it('a status of a thousand servers is read whole', async () => {
  const long = { ...sidecar.sidecar.status(), verdict: { ok: true, level: 'good', headline: 'x', problems: [] } };
  const servers = Array.from({ length: 1_000 }, (_, index) => ({ ...long.servers[0]!, server_name: `s${index}.test` }));
  await withOther(JSON.stringify({ ...long, servers }), async (admin) => {
    const { code, out } = await status(admin);
    expect([code, out.includes('s999.test')]).toEqual([0, true]);
  });
});
