import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { stringify } from 'yaml';
import { ask } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

const DEPLOY = resolve(import.meta.dirname, '../../deploy');

/** Runs promtool and gives its exit status with all that it said. */
function promtool(args: readonly string[], input = ''): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

const missing =
  promtool(['--version']).status === 0 ? undefined : 'no promtool on PATH (Debian: apt-get install prometheus)';
if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('a real promtool is here, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}
if (missing !== undefined) console.warn(`Skipped: ${missing}`);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promtool-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, value: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, stringify(value));
  return path;
};

describe.skipIf(missing !== undefined)('a scrape', () => {
  let upstream: TestUpstream;
  let sidecar: TestSidecar;
  beforeAll(async () => {
    upstream = await startHttpUpstream((_request, response) => void response.end('{}'));
    sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
  });
  afterAll(async () => {
    await sidecar?.close();
    await upstream?.close();
  });

  it('is as Prometheus wants it, after requests of all kinds', async () => {
    const authorization = 'X-Matrix origin="b.test",key="ed25519:1",sig="x"';
    for (const path of ['/_matrix/client/versions', '/_matrix/client/v3/sync', '/_matrix/federation/v1/x', '/x'])
      await ask(sidecar, path, { headers: { host: 'a.test', authorization } });
    const text = await (await fetch(`http://127.0.0.1:${sidecar.admin}/metrics`)).text();
    for (const part of ['requests_total{', 'request_duration_seconds_bucket{', 'origin_requests{origin="b.test"} 1'])
      expect(text).toContain(`matrix_sidecar_${part}`);
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' });
  });
});

describe.skipIf(missing !== undefined)('deploy/alerts.yaml', () => {
  const file = join(DEPLOY, 'alerts.yaml');

  it('is what Prometheus takes as rules', () => {
    const { status, said } = promtool(['check', 'rules', file]);
    expect([status, said]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  const on = 'instance="s:9010",job="matrix-sidecar"';
  const series = (name: string, labels: string, values: string) => ({
    series: `${name}{${on}${labels === '' ? '' : `,${labels}`}}`,
    values,
  });
  const OURS = 'matrix_sidecar_';
  const UP = series('up', '', '1x60');
  it.each<[string, { series: string; values: string }[], string, string[]]>([
    ['nothing, while all is well', [UP, series(`${OURS}homeserver_away`, 'homeserver="h"', '0x60')], '30m', []],
    ['that the sidecar is down', [series('up', '', '1 0x60')], '5m', ['MatrixSidecarDown']],
    [
      'that a certificate is late, and not that there is an emergency',
      [UP, series(`${OURS}certificate_risk_level`, 'names="a.test"', '1x120')],
      '90m',
      ['MatrixCertificateAtRisk'],
    ],
    [
      'that a homeserver is away, and that requests wait for it',
      [
        UP,
        series(`${OURS}homeserver_away`, 'homeserver="h"', '0 1x60'),
        series(`${OURS}requests_held`, 'homeserver="h"', '0 5x60'),
      ],
      '5m',
      ['MatrixHomeserverAway', 'MatrixHoldRunning'],
    ],
    ['nothing of a restart that takes a minute', [UP, series(`${OURS}homeserver_away`, 'h="h"', '0 1 0x60')], '5m', []],
    [
      'that requests waited in vain',
      [UP, series(`${OURS}requests_held_total`, 'homeserver="h",outcome="expired"', '0 3x60')],
      '5m',
      ['MatrixHoldInVain'],
    ],
    [
      'that the sidecar fails requests',
      [UP, series(`${OURS}requests_total`, 'surface="client",status="500",blame="us"', '0+10x60')],
      '20m',
      ['MatrixErrorsOfTheSidecar'],
    ],
    [
      'that the homeserver fails a tenth of all requests',
      [
        UP,
        series(`${OURS}requests_total`, 'surface="client",status="500",blame="upstream"', '0+60x60'),
        series(`${OURS}requests_total`, 'surface="client",status="200",blame="nobody"', '0+540x60'),
      ],
      '40m',
      ['MatrixErrorsOfTheHomeserver'],
    ],
    [
      'that other servers are refused, and nothing of clients that are',
      [
        UP,
        series(`${OURS}requests_limited_total`, 'party="server",limit="wait"', '0 1x60'),
        series(`${OURS}requests_limited_total`, 'party="client",limit="requests_per_client"', '0+9x60'),
      ],
      '5m',
      ['MatrixFederationRefused'],
    ],
    [
      'that most do not trust the certificate',
      [
        UP,
        series(`${OURS}tls_handshake_failures_total`, 'listener="federation",cause="certificate-refused"', '0+60x60'),
        series(`${OURS}tls_handshakes_total`, 'listener="federation",kind="full"', '0+6x60'),
      ],
      '40m',
      ['MatrixCertificateNotTrusted'],
    ],
    [
      'that a process was replaced',
      [UP, series(`${OURS}process_restarts_total`, '', '0 1x60')],
      '5m',
      ['MatrixProcessRestarts'],
    ],
    [
      'that a process is too busy',
      [UP, series('nodejs_eventloop_lag_p99_seconds', 'process="1"', '0.4x60')],
      '10m',
      ['MatrixEventLoopDelay'],
    ],
    [
      'that an instance is away',
      [UP, series(`${OURS}upstream_instance_up`, 'upstream="u",place="p"', '0x60')],
      '10m',
      ['MatrixInstanceAway'],
    ],
  ])('says %s', (_, input_series, eval_time, expected) => {
    const said = alertsAt(file, input_series, eval_time);
    expect(said).toEqual(expected);
  });

  /** The names of the alerts that fire then: promtool tells them where nothing is expected. */
  function alertsAt(rules: string, input_series: readonly object[], eval_time: string): readonly string[] {
    const names = [...readFileSync(rules, 'utf8').matchAll(/^ {6}- alert: (\S+)$/gm)].map((match) => match[1]!);
    const alert_rule_test = names.map((alertname) => ({ eval_time, alertname, exp_alerts: [] }));
    const tests = [{ interval: '1m', input_series, alert_rule_test }];
    const { said } = promtool(['test', 'rules', write('test.yaml', { rule_files: [rules], tests })]);
    if (!/SUCCESS|alertname:/.test(said)) throw new Error(said);
    return names.filter((name) => said.includes(`alertname: ${name},`));
  }
});

describe.skipIf(missing !== undefined)('deploy/grafana-dashboard.json', () => {
  it('asks only what Prometheus understands', () => {
    const text = readFileSync(join(DEPLOY, 'grafana-dashboard.json'), 'utf8');
    const exprs = [...text.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map((match) => JSON.parse(match[1]!) as string);
    expect(exprs.length).toBeGreaterThan(40);
    const rules = exprs.map((expr, index) => ({
      record: `panel:${index}`.replaceAll(/\d/g, (digit) => 'abcdefghij'[Number(digit)]!),
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(job|instance)\b/g, '.*'),
    }));
    const { status, said } = promtool(['check', 'rules', write('dashboard.yaml', { groups: [{ name: 'd', rules }] })]);
    expect([status, said]).toEqual([0, expect.stringContaining(`${exprs.length} rules found`)]);
  });
});
