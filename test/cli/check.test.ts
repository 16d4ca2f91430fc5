import { resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOST } from '../federation-tester/deployment.ts';
import { DNS_AND_SRV, HEALTHY, type Row, WELL_KNOWN } from '../federation-tester/deployments-dns.ts';
import { ADDRESSES, REQUESTS, TLS_AND_KEYS } from '../federation-tester/deployments-server.ts';
import { type CheckBench, normalize, openCheckBench, run } from './check-bench.ts';

let bench: CheckBench;
beforeAll(async () => {
  bench = await openCheckBench();
});
afterAll(() => bench.close());

const ROWS: readonly Row[] = [...HEALTHY, ...DNS_AND_SRV, ...WELL_KNOWN, ...ADDRESSES, ...TLS_AND_KEYS, ...REQUESTS];
const golden = (name: string): string => resolve(import.meta.dirname, '../golden/check', name);

/** The file, and the deployment by the name of its row. */
const TRANSCRIPTS: readonly (readonly [string, string])[] = [
  ['healthy-8448', 'on port 8448 of the server name'],
  ['healthy-well-known', 'delegated by well-known'],
  ['healthy-srv', 'delegated by SRV'],
  ['nobody-listens', 'nobody listens on port 8448'],
  ['delegation-missing', 'Matrix on port 443 without a word of it'],
  ['second-address-dead', 'nobody at the second address'],
  ['srv-target-is-alias', 'the SRV target is an alias'],
  ['well-known-308', 'a redirect with 308'],
  ['tls-expired', 'an expired certificate'],
  ['tls-expires-soon', 'a certificate that has three days left of ninety'],
  ['tls-chain-incomplete', 'a missing intermediate certificate'],
  ['another-server-name', 'a homeserver with another server_name'],
  ['homeserver-down', 'a proxy without its homeserver'],
  ['path-refused', 'escaped slashes are refused on the way'],
  ['body-limit', 'bodies are limited to 1 MB by a proxy'],
  ['no-address', 'the server name has no address'],
];

function rowOf(name: string): Row {
  const row = ROWS.find((one) => one.name === name);
  if (row === undefined) throw new Error(`there is no deployment "${name}"`);
  return row;
}

describe('what people are shown', () => {
  it.each(TRANSCRIPTS)('%s: %s', async (file, name) => {
    const { by, breakIt, works } = rowOf(name);
    const { out, err, code } = await bench.check(by, [], { breakIt });
    expect([err, code]).toEqual(['', works ? 0 : 1]);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(works ? /^Federation with example\.test works/ : /^Federation with .* does not work: ./);
    expect(lines.at(-1)).toMatch(/^(To do: .+|Nothing to do\.)$/);
    await expect(normalize(out)).toMatchFileSnapshot(golden(`${file}.txt`));
  });

  it('has colours only where they are wanted', async () => {
    const plain = await bench.check('nothing', []);
    const painted = await bench.check('nothing', [], { io: { colour: true } });
    expect(plain.out).not.toContain('\u001b');
    expect(painted.out).toContain('\u001b[32m');
    expect(normalize(stripVTControlCharacters(painted.out))).toBe(normalize(plain.out));
  });

  it.each([40, 60, 200])('fits a terminal of %i columns', async (columns) => {
    const { out } = await bench.check('well-known', [], { io: { columns } });
    const between = out.trimEnd().split('\n').slice(1, -1);
    // A word that is longer than the line stays whole.
    const tooWide = between.filter((line) => line.length > Math.min(columns, 100) && line.trim().includes(' '));
    expect(tooWide.filter((line) => !/^\s+(✓ )?\S+( \(\S+\))?$/.test(line) && !line.includes('https://'))).toEqual([]);
  });
});

describe('progress', () => {
  const slow: NonNullable<Row['breakIt']> = (plan) => {
    const at = `${HOST}:443`;
    const { handle, ...listener } = plan.listeners[at]!;
    const wait: typeof handle = (request, response) => void setTimeout(() => handle!(request, response), 450);
    plan.listeners[at] = { ...listener, handle: wait };
  };

  it('is shown on a terminal after a second, and wiped', async () => {
    const { err, out } = await bench.check('well-known', [], { breakIt: slow, io: { isTerminal: true, columns: 50 } });
    expect(err).toMatch(/Testing example\.test: \d s, \d+ answers, waiting for/);
    expect(err.split('\r').every((line) => line.replace('\u001b[K', '').length < 50)).toBe(true);
    expect(err.endsWith('\r\u001b[K')).toBe(true);
    expect(out).toMatch(/^Federation with example\.test works/);
  });

  it('is nothing for a fast server, and nothing off a terminal', async () => {
    let shown: string | undefined;
    // A busy machine may be slow itself.
    for (let attempt = 0; shown === undefined && attempt < 20; attempt++) {
      const begin = performance.now();
      const { err } = await bench.check('nothing', ['--format', 'tap'], { io: { isTerminal: true } });
      if (performance.now() - begin < 1_000) shown = err;
    }
    expect(shown).toBe('');
    expect((await bench.check('well-known', [], { breakIt: slow })).err).toBe('');
  });
});

describe('--timeout', () => {
  it('ends the whole test, with what there is by then', async () => {
    const row = rowOf('a TLS port that never speaks');
    const begin = performance.now();
    const { out, code } = await bench.check(row.by, ['--timeout', '1s'], { breakIt: row.breakIt });
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect(code).toBe(1);
    expect(out).toMatch(/^Federation with example\.test does not work|^Whether federation/);
  });
});

describe('speed', () => {
  it('a healthy server is tested in under two seconds', async () => {
    const durations: number[] = [];
    // A busy machine gets more attempts, not more time.
    while (durations.length < 10 && !durations.some((ms) => ms < 2_000)) {
      const begin = performance.now();
      expect((await bench.check('well-known', [])).code).toBe(0);
      durations.push(performance.now() - begin);
    }
    expect(Math.min(...durations)).toBeLessThan(2_000);
  });
});

describe('--dns to where nobody listens', () => {
  it('is not blamed on the tested server', async () => {
    const { code, out } = await run(['check', 'example.test', '--dns', '127.0.0.1:1']);
    const lines = out.trimEnd().split('\n');
    expect(code).toBe(1);
    expect(lines[0]).toContain('could not be found out: the DNS server 127.0.0.1:1 does not answer');
    expect(lines.at(-1)).toBe('To do: Start the DNS server 127.0.0.1:1, or correct --dns.');
    expect(out).toContain('dig @127.0.0.1 -p 1 -t a example.test');
  });
});

describe('wrong usage is exit code 2, and says what is right', () => {
  it.each([
    [[], /missing required argument 'server_name'/],
    [['a.test', '--format', 'xml'], /Allowed choices are human, json, tap/],
    [['a.test', '--dns', 'http://9.9.9.9'], /--dns .* is a URL/],
    [['a.test', '--dns', 'nowhere.invalid'], /--dns nowhere\.invalid:53: the name cannot be resolved/],
    [['a.test', '--connect-to', 'a:b'], /--connect-to .*HOST1:PORT1:HOST2:PORT2/],
    [['a.test', '--ca-file', '/nowhere/ca.pem'], /--ca-file \/nowhere\/ca\.pem cannot be read/],
    [['a.test', '--timeout', '5'], /--timeout .*write 500ms, 10s/],
    [['a.test', '--timeout', '1h'], /--timeout goes from 1s to 10m/],
    [['a.test', '--identity', 'b.test'], /--identity and --key go together/],
    [['a.test', '--identity', 'b.test', '--key', '/nowhere/key'], /--key \/nowhere\/key cannot be read/],
    [['a.test', '--identity', 'b test', '--key', '/dev/null'], /--identity: .*is no server name/],
    [['a.test', '--identity', 'b.test', '--key', '/dev/null'], /--key \/dev\/null has no signing key in it/],
    [['a.test', '--sign', '--identity', 'b.test', '--key', 'x'], /exclude each other/],
    [['a.test', '--config', 'x.yaml'], /--config is for --sign/],
    [['a.test', '--sign', '--config', '/nowhere/x.yaml'], /\/nowhere\/x\.yaml/],
  ])('check %j', async (args, says) => {
    const { code, err, out } = await run(['check', ...args]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(says);
    expect(err).not.toMatch(/\bat .*\.ts:\d+/);
  });

  it('a name that is none is no wrong usage: scripts hand on what users type', async () => {
    const { code, out, err } = await run(['check', 'https://example.com/']);
    expect([code, err]).toEqual([1, '']);
    expect(out).toContain('[name-invalid]');
  });
});
