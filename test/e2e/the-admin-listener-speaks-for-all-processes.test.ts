import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../harness/client.ts';
import { type SeveralProcesses, startSeveral } from '../harness/several.ts';
import { pause, until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let serve: SeveralProcesses;
/** Requests for /_matrix/slow wait here until the test lets them go. */
const held: (() => void)[] = [];

beforeAll(async () => {
  const seen = new Set<string>();
  upstream = await startHttpUpstream((request, response) => {
    const path = request.url ?? '';
    if (path === '/_matrix/slow') held.push(() => response.end('{}'));
    else if (path.startsWith('/_matrix/twice') && !seen.has(path)) {
      seen.add(path);
      request.socket.destroy();
    } else response.end('{"versions":[]}');
  });
  serve = await startSeveral(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
processes: 2
log: { requests: all }
limits: { drain: 1m }
`);
});
afterAll(async () => {
  await serve?.close();
  await upstream?.close();
});

const host = { host: 'a.test' };
const REPEATED = 'matrix_sidecar_requests_repeated_total';
const repeated = async (): Promise<number> => [...(await serve.metrics(REPEATED)).values()][0] ?? 0;
const states = async () => (await serve.status()).processes.map(({ slot, state }) => `${slot} ${state}`);
let asked = 0;

/** Requests that are counted each once, at whichever process. */
async function count(requests: number): Promise<void> {
  await Promise.all(
    Array.from({ length: requests }, async () => {
      const { status } = await ask(serve, `/_matrix/twice/${asked++}`, { headers: host });
      expect(status).toBe(200);
    }),
  );
}

describe('with several processes', () => {
  it('metrics are those of all of them, each counted once', async () => {
    const served = () => new Set(serve.log().flatMap((line) => (line['msg'] === 'request' ? [line['process']] : [])));
    await until('both have counted', async () => {
      await count(6);
      return served().size === 2;
    });
    // Whichever process answers.
    for (let scrape = 0; scrape < 6; scrape++) expect(await repeated()).toBe(asked);
    expect(await serve.metrics('matrix_sidecar_processes')).toEqual(
      new Map([
        ['matrix_sidecar_processes{state="serving"}', 2],
        ['matrix_sidecar_processes{state="starting"}', 0],
        ['matrix_sidecar_processes{state="silent"}', 0],
      ]),
    );
    const measured = await serve.metrics('process_start_time_seconds');
    expect([...measured.keys()]).toEqual([1, 2].map((slot) => `process_start_time_seconds{process="${slot}"}`));
    expect((await serve.metrics('matrix_sidecar_certificate_risk_level')).size).toBe(1);
  });

  it('counters never go back while processes are replaced', async () => {
    const scrapes: number[] = [];
    let going = true;
    const scraping = (async () => {
      while (going) scrapes.push(await repeated());
    })();
    const reloaded = serve.hangUp();
    let done = false;
    const finished = reloaded.finally(() => {
      done = true;
    });
    while (!done) await count(2);
    await finished;
    // The old ones end now, with what they have counted.
    await until('the old ones gone', async () => (await serve.status()).processes.length === 2, 20_000);
    going = false;
    await scraping;
    expect(scrapes).toEqual(scrapes.toSorted((a, b) => a - b));
    expect(await repeated()).toBe(asked);
  });

  it('what is under way is added up, in those that finish as well, which are listed', async () => {
    const polls = Array.from({ length: 6 }, () => ask(serve, '/_matrix/slow', { headers: host }));
    await until('all at the homeserver', () => held.length === 6);
    // The request for the status is one of them.
    expect((await serve.status()).requests_in_flight).toBe(7);
    await serve.hangUp();
    expect((await serve.status()).requests_in_flight).toBe(7);
    expect((await states()).slice(0, 2)).toEqual(['1 serving', '2 serving']);
    expect((await states()).slice(2)).toContainEqual(expect.stringMatching(/^[12] draining$/));
    for (const release of held.splice(0)) release();
    for (const poll of polls) expect((await poll).status).toBe(200);
    await until('the old ones gone', async () => (await states()).length === 2, 20_000);
  });

  it('the traffic of processes that were replaced is not forgotten', async () => {
    const fine = async (): Promise<number> =>
      (await serve.status()).traffic.series
        .filter(({ status }) => status === '2xx')
        .reduce((sum, { requests }) => requests.reduce((all, one) => all + one, sum), 0);
    await until('the record has it', async () => (await fine()) >= asked);
    await serve.hangUp();
    await until('the old ones gone', async () => (await serve.status()).processes.length === 2, 20_000);
    expect(await fine()).toBeGreaterThanOrEqual(asked);
  });

  it('after a crash, what was last scraped stays counted', async () => {
    await count(4);
    const before = await repeated();
    process.kill((await serve.pids())[0]!, 'SIGKILL');
    await serve.logged(/^Process 1 ended unexpectedly/);
    expect(await repeated()).toBe(before);
    await count(3);
    expect(await repeated()).toBe(before + 3);
    await until('both serve', async () => (await serve.pids()).length === 2, 20_000);
    expect(await repeated()).toBe(before + 3);
  });

  it('one that does not answer is left out, and said so, and its counters are what they were', async () => {
    const before = await repeated();
    const stopped = (await serve.pids())[1]!;
    process.kill(stopped, 'SIGSTOP');
    try {
      // A connection may wait in the stopped process: whoever comes again is answered by the other one.
      await until(
        'said',
        async () => {
          const attempt = serve.status().then(({ processes }) => processes[1]?.state === 'silent');
          return Promise.race([attempt, pause(3_000).then(() => false)]);
        },
        30_000,
      );
      expect(await repeated()).toBe(before);
      expect((await serve.metrics('matrix_sidecar_processes')).get('matrix_sidecar_processes{state="silent"}')).toBe(1);
    } finally {
      process.kill(stopped, 'SIGCONT');
    }
    await until('both serve', async () => (await serve.pids()).length === 2);
  });
});
