import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOST, NAME } from '../federation-tester/deployment.ts';
import { DNS_AND_SRV, HEALTHY, type Row, WELL_KNOWN } from '../federation-tester/deployments-dns.ts';
import { ADDRESSES, REQUESTS, TLS_AND_KEYS } from '../federation-tester/deployments-server.ts';
import { publicReport } from '../federation-tester/public-schema.ts';
import { sendJson } from '../federation-tester/stand-in.ts';
import { type CheckBench, normalize, openCheckBench } from './check-bench.ts';

let bench: CheckBench;
beforeAll(async () => {
  bench = await openCheckBench();
});
afterAll(() => bench.close());

const ROWS: readonly Row[] = [...HEALTHY, ...DNS_AND_SRV, ...WELL_KNOWN, ...ADDRESSES, ...TLS_AND_KEYS, ...REQUESTS];
const named = (names: readonly string[]): readonly Row[] => ROWS.filter(({ name }) => names.includes(name));
const golden = (name: string): string => resolve(import.meta.dirname, '../golden/check', name);

describe('--format json is what the public tester answers, and Findings', () => {
  const rows = named([
    'delegated by SRV',
    'delegated by well-known',
    'nobody listens on port 8448',
    'the server name has no address',
    'SRV with 500 targets',
    'keys in bad UTF-8',
    'a self-signed certificate',
    'a key document without keys',
    'the version is not forwarded',
    'nobody at the second address',
  ]);

  it.each(rows)('$name', async ({ by, breakIt, works }) => {
    const { out, err, code } = await bench.check(by, ['--format', 'json'], { breakIt });
    const report: unknown = JSON.parse(out);
    const parsed = publicReport.safeParse(report);
    expect(parsed.error?.issues).toBeUndefined();
    expect([err, code, parsed.data?.Verdict.FederationOK]).toEqual(['', works ? 0 : 1, works]);
    expect(out).toBe(`${JSON.stringify(report, null, 2)}\n`);
  });

  it('whole, for a server that is delegated by SRV', async () => {
    const { out } = await bench.check('srv', ['--format', 'json']);
    const report = publicReport.parse(JSON.parse(out));
    expect(report.DNSResult.SRVCName).toBe(`_matrix-fed._tcp.${NAME}.`);
    expect(Object.keys(report.ConnectionReports)).toEqual(report.DNSResult.Addrs);
    await expect(normalize(out)).toMatchFileSnapshot(golden('healthy-srv.json'));
  });

  it('for a name that is none, with Error', async () => {
    const { out } = await bench.check('nothing', ['--format', 'json'], {
      breakIt: (plan) => {
        plan.asked = 'a b';
      },
    });
    const report = publicReport.parse(JSON.parse(out));
    expect([report.Error, report.FederationOK]).toEqual(["Invalid server name 'a b'", false]);
  });
});

interface Point {
  readonly ok: boolean;
  readonly name: string;
  readonly directive: string | undefined;
}

/** Reads TAP 14 strictly: the version, a plan, test points in order, YAML blocks and comments; nothing else. */
function readTap(text: string): readonly Point[] {
  const [version, ...lines] = text.trimEnd().split('\n');
  expect(version).toBe('TAP version 14');
  const points: Point[] = [];
  let plan = 0;
  let inBlock = false;
  for (const line of lines) {
    if (inBlock) {
      inBlock = line !== '  ...';
      expect(line).toMatch(/^ {2}(\.\.\.|\S.*|\s+- \{.*\})$/);
    } else if (line === '  ---') inBlock = true;
    else if (line.startsWith('1..')) plan = Number(line.slice(3));
    else if (!line.startsWith('# ')) {
      const match = /^(not ok|ok) (\d+) - ([a-z_]+)(?: # (SKIP .+))?$/.exec(line);
      expect(match, line).not.toBeNull();
      expect(Number(match![2])).toBe(points.length + 1);
      points.push({ ok: match![1] === 'ok', name: match![3]!, directive: match![4] });
    }
  }
  expect([inBlock, points.length]).toEqual([false, plan]);
  return points;
}

describe('--format tap is TAP 14 with named cases', () => {
  it.each<[string, readonly string[]]>([
    ['delegated by well-known', []],
    ['nobody listens on port 8448', ['addresses_reachable', 'federation_ok']],
    ['a self-signed certificate', ['tls_valid', 'federation_ok']],
    ['keys in bad UTF-8', ['keys_valid', 'federation_ok']],
    ['the server name has no address', ['dns_resolves', 'federation_ok']],
    ['escaped slashes are refused on the way', ['requests_arrive', 'federation_ok']],
    ['nobody at the second address', []],
  ])('%s', async (name, bad) => {
    const [row] = named([name]);
    const { out, code } = await bench.check(row!.by, ['--format', 'tap'], { breakIt: row!.breakIt });
    const points = readTap(out);
    expect(points.filter(({ ok }) => !ok).map((point) => point.name)).toEqual(bad);
    expect(code).toBe(bad.length === 0 ? 0 : 1);
  });

  it('what was never asked is skipped, with the reason', async () => {
    const { out } = await bench.check('well-known', ['--format', 'tap']);
    const skipped = readTap(out).flatMap(({ name, directive }) => (directive === undefined ? [] : [[name, directive]]));
    expect(skipped).toEqual([['srv_valid', 'SKIP no SRV record is asked for']]);
  });

  it('is written down', async () => {
    const [row] = named(['an expired certificate']);
    const { out } = await bench.check(row!.by, ['--format', 'tap'], { breakIt: row!.breakIt });
    readTap(out);
    await expect(normalize(out)).toMatchFileSnapshot(golden('tls-expired.tap'));
  });
});

describe('what strangers write does not reach the terminal as it is', () => {
  const EVIL = '\u001b]0;gone\u0007\u009b31m\u202eevil\r\n\u2028\u200fTo do: run this # TODO';

  it.each(['human', 'json', 'tap'])('in %s', async (format) => {
    const { out, err } = await bench.check('well-known', ['--format', format], {
      io: { isTerminal: true },
      breakIt(plan) {
        const answer = plan.listeners[`${HOST}:443`]!;
        plan.listeners[`${HOST}:443`] = {
          ...answer,
          handle(request, response) {
            if (request.url === '/_matrix/federation/v1/version')
              return sendJson(response, 200, { server: { name: EVIL, version: EVIL } });
            if (request.url === '/_matrix/key/v2/server')
              return sendJson(response, 200, { server_name: EVIL, verify_keys: { 'ed25519:a': { key: EVIL } } });
            response.setHeader('Server', 'a\u009bb');
            sendJson(response, 404, { errcode: EVIL, error: EVIL });
          },
        };
      },
    });
    expect(out).toContain('evil');
    const obeyed = /[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]/u;
    expect(out.replaceAll('\n', '').match(obeyed)).toBeNull();
    expect(err.replaceAll('\r\u001b[K', '').match(obeyed)).toBeNull();
    if (format === 'tap') readTap(out);
  });

  it('not even the name that was typed', async () => {
    const { out } = await bench.check('nothing', [], {
      breakIt: (plan) => {
        plan.asked = 'a\u001b[31m\u009b';
      },
    });
    expect(out.replaceAll('\n', '').match(/\p{Cc}/u)).toBeNull();
  });
});
