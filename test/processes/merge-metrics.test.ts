import { describe, expect, it } from 'vitest';
import type { Metric } from '../../src/observe/metric.ts';
import type { MergeRule, MetricFamily } from '../../src/observe/metric-family.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { METRICS } from '../../src/observe/metrics-table.ts';
import { renderExposition } from '../../src/observe/render-exposition.ts';
import { type MetricsPart, mergeMetrics } from '../../src/processes/merge-metrics.ts';

const family = (
  name: string,
  values: Readonly<Record<string, number | null>>,
  merge: MergeRule = 'sum',
  type = merge === 'sum' ? 'counter' : 'gauge',
): MetricFamily => ({
  ...{ name, help: 'Some.', type, merge },
  values: Object.entries(values).map(([host, value]) => ({ labels: { host }, value })),
});
const part = (slot: number, own: readonly MetricFamily[], more: Partial<MetricsPart> = {}): MetricsPart => ({
  ...{ slot, leaving: false, own, process: [] },
  ...more,
});
const values = (families: readonly MetricFamily[]): unknown =>
  Object.fromEntries(
    families.map((one) => [one.name, one.values.map(({ labels, value }) => [...Object.values(labels), value])]),
  );

describe('metrics of several processes', () => {
  it.each<[MergeRule, number | null, number | null, number | null]>([
    ['sum', 2, 3, 5],
    ['max', 2, 3, 3],
    ['min', 2, 3, 2],
    ['max', null, 3, 3],
    ['sum', 2, null, 2],
  ])('%s of %s and %s is %s', (rule, a, b, expected) => {
    const { own } = mergeMetrics(
      [part(1, [family('m', { x: a }, rule, 'gauge')]), part(2, [family('m', { x: b }, rule, 'gauge')])],
      [],
    );
    expect(values(own)).toEqual({ m: [['x', expected]] });
  });

  it('counters are sums for each set of labels, of those that leave and those that have ended too', () => {
    const parts = [
      part(1, [family('m_total', { x: 1, y: 2 })]),
      part(2, [family('m_total', { y: 10, z: 20 })]),
      part(1, [family('m_total', { x: 100 })], { leaving: true }),
    ];
    const { own } = mergeMetrics(parts, [family('m_total', { x: 1000, w: 5 }), family('other_total', { x: 1 })]);
    expect(values(own)).toEqual({
      m_total: [
        ['x', 1101],
        ['y', 12],
        ['z', 20],
        ['w', 5],
      ],
      other_total: [['x', 1]],
    });
  });

  it('histograms are sums, bucket by bucket, those of processes that have ended too', async () => {
    const observe = (...all: number[]): readonly MetricFamily[] => {
      const metrics = createMetrics();
      const durations = metrics.histogram('requestDuration', { surface: 'media' });
      for (const seconds of all) durations.observe(seconds);
      return metrics.describe(['histogram']);
    };
    const { own } = mergeMetrics([part(1, observe(0.01, 1)), part(2, observe(0.01), { leaving: true })], observe(100));
    const { text } = await renderExposition({ own, process: [] });
    const samples = text.split('\n').filter((line) => line.startsWith('matrix_sidecar_request_duration_seconds_'));
    expect(samples.map((line) => line.split(' ')[1])).toEqual(['0', '2', '2', '2', '3', '3', '3', '4', '101.02', '4']);
  });

  it('counters stay sums whatever their row says', () => {
    const { own } = mergeMetrics(
      [part(1, [family('m', { x: 1 }, 'max', 'counter')]), part(2, [family('m', { x: 2 }, 'max', 'counter')])],
      [],
    );
    expect(values(own)).toEqual({ m: [['x', 3]] });
  });

  it('what is true of the whole is told by those that stay, as long as one does', () => {
    const leaving = part(1, [family('level', { gone: 3, x: 2 }, 'max'), family('waiting', { x: 7 }, 'sum', 'gauge')], {
      leaving: true,
    });
    const staying = part(2, [family('level', { x: 1 }, 'max'), family('waiting', { x: 1 }, 'sum', 'gauge')]);
    expect(values(mergeMetrics([leaving, staying], []).own)).toEqual({ level: [['x', 1]], waiting: [['x', 8]] });
    expect(values(mergeMetrics([leaving], []).own)).toEqual({
      level: [
        ['gone', 3],
        ['x', 2],
      ],
      waiting: [['x', 7]],
    });
  });

  it('the same labels in another order are the same', () => {
    const one = { ...family('m_total', {}), values: [{ labels: { a: '1', b: '2' }, value: 1 }] };
    const two = { ...family('m_total', {}), values: [{ labels: { b: '2', a: '1' }, value: 1 }] };
    expect(mergeMetrics([part(1, [one]), part(2, [two])], []).own[0]!.values).toEqual([
      { labels: { a: '1', b: '2' }, value: 2 },
    ]);
  });

  it("the processes' own metrics are kept apart by the label process, histograms included, and those of the leaving are left out", async () => {
    const metrics = createMetrics();
    const { process } = await metrics.snapshot();
    const merged = mergeMetrics(
      [part(1, [], { process }), part(2, [], { process }), part(1, [], { process, leaving: true })],
      [],
    );
    const { text } = await renderExposition(merged);
    expect(text).toMatch(
      /^process_cpu_seconds_total\{process="1"\} [\d.]+\nprocess_cpu_seconds_total\{process="2"\} [\d.]+$/m,
    );
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => !line.includes('process="'))).toEqual([]);
    const names = lines.map((line) => line.slice(0, line.lastIndexOf(' ')));
    expect(new Set(names).size).toBe(names.length);
  });
});

it('a snapshot means the same after it went from one process to another', async () => {
  const metrics = createMetrics();
  metrics.counter('acmeOrders', { ca: 'a "b"\n' }).add();
  metrics.gauge('requestsHeld', () => [{ labels: { homeserver: 'x' }, value: Number.NaN }]);
  const sent = JSON.parse(JSON.stringify(await metrics.snapshot()));
  const text = (await renderExposition(sent)).text;
  expect(text).toContain('matrix_sidecar_acme_orders_total{ca="a \\"b\\"\\n"} 1');
  expect(text).toMatch(/matrix_sidecar_requests_held\{homeserver="x"\} NaN/i);
});

it.each((Object.values(METRICS) as readonly Metric[]).filter(({ type }) => type === 'gauge'))(
  'the gauge $name says what it is for several processes',
  ({ merge }) => {
    expect(['sum', 'max', 'min']).toContain(merge);
  },
);
