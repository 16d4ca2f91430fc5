import { describe, expect, it } from 'vitest';
import type { Metric } from '../../src/observe/metric.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { METRICS } from '../../src/observe/metrics-table.ts';

const table: readonly Metric[] = Object.values(METRICS);

/** The samples of our own metrics in a scrape, as they stand there. */
async function scrape(metrics: ReturnType<typeof createMetrics>): Promise<string[]> {
  const { text } = await metrics.scrape();
  return text.split('\n').filter((line) => line.startsWith('matrix_sidecar_'));
}

describe('the table of metrics', () => {
  it.each(table)('names $name as Prometheus wants it', ({ name, type, labels, help, unit, buckets }) => {
    expect(name).toMatch(/^matrix_sidecar_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    for (const label of labels) expect(label).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(help).toMatch(/^[A-Z].*\.$/);
    // Seconds and bytes, never their thousands.
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|hours|days|kb|mb)\b/);
    expect(buckets?.toSorted((a, b) => a - b)).toEqual(type === 'histogram' ? buckets : undefined);
    if (unit.startsWith('seconds')) expect(name).toMatch(/_seconds(_total)?$/);
  });

  it('names nothing twice', () => {
    expect(new Set(table.map(({ name }) => name)).size).toBe(table.length);
  });
});

describe('a scrape', () => {
  it('has help and type of every metric, also of those that have nothing to say, and those of the process', async () => {
    const { text, contentType } = await createMetrics().scrape();
    for (const { name, type, help } of table) expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}`);
    expect(text).toContain('\nprocess_cpu_seconds_total ');
    expect(text).toContain('\nnodejs_eventloop_lag_seconds ');
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('has what was counted before the first one and after it', async () => {
    const metrics = createMetrics();
    metrics.counter('acmeOrders', { ca: 'a.test' }).add();
    expect(await scrape(metrics)).toEqual(['matrix_sidecar_acme_orders_total{ca="a.test"} 1']);
    const again = metrics.counter('acmeOrders', { ca: 'a.test' });
    again.add();
    again.add();
    metrics.counter('acmeAttempts', { ca: 'a.test', result: 'failed' }).add();
    metrics.counter('acmeAttempts', { result: 'failed', ca: 'a.test' }).add();
    expect((await scrape(metrics)).toSorted()).toEqual([
      'matrix_sidecar_acme_attempts_total{ca="a.test",result="failed"} 2',
      'matrix_sidecar_acme_orders_total{ca="a.test"} 3',
    ]);
  });

  it('has a counter that was never counted, once it is there', async () => {
    const metrics = createMetrics();
    metrics.counter('warningDeliveries', { result: 'failed' });
    expect(await scrape(metrics)).toEqual(['matrix_sidecar_warning_deliveries_total{result="failed"} 0']);
  });

  it('asks gauges anew, and drops what is gone', async () => {
    const metrics = createMetrics();
    let names = ['a.test', 'b.test'];
    metrics.gauge('certificateRisk', () => names.map((name, level) => ({ labels: { names: name }, value: level })));
    expect(await scrape(metrics)).toHaveLength(2);
    names = ['b.test'];
    expect(await scrape(metrics)).toEqual(['matrix_sidecar_certificate_risk_level{names="b.test"} 0']);
  });

  it('has histograms with cumulative buckets, sum and count, and help and type of them once', async () => {
    const metrics = createMetrics();
    const durations = metrics.histogram('requestDuration', { surface: 'client' });
    expect(metrics.histogram('requestDuration', { surface: 'client' })).toBe(durations);
    for (const seconds of [0.001, 0.005, 0.02, 0.3, 3, 1000]) durations.observe(seconds);
    const name = 'matrix_sidecar_request_duration_seconds';
    const bucket = (le: string, count: number): string => `${name}_bucket{surface="client",le="${le}"} ${count}`;
    expect(await scrape(metrics)).toEqual([
      ...[bucket('0.005', 2), bucket('0.025', 3), bucket('0.1', 3), bucket('0.5', 4), bucket('2.5', 4)],
      ...[bucket('10', 5), bucket('60', 5), bucket('+Inf', 6)],
      `${name}_sum{surface="client"} 1003.326`,
      `${name}_count{surface="client"} 6`,
    ]);
    const { text } = await metrics.scrape();
    expect(text.split(`# TYPE ${name} histogram\n`)).toHaveLength(2);
  });

  it('can be made several times at once', async () => {
    const metrics = createMetrics();
    metrics.counter('acmeOrders', { ca: 'a.test' }).add();
    const all = await Promise.all(Array.from({ length: 5 }, () => scrape(metrics)));
    expect(new Set(all.map(String))).toEqual(new Set(['matrix_sidecar_acme_orders_total{ca="a.test"} 1']));
  });

  it('has nothing of another sidecar in the same process', async () => {
    createMetrics().counter('acmeOrders', { ca: 'other.test' }).add();
    expect(await scrape(createMetrics())).toEqual([]);
  });
});
