import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Metric } from '../../src/observe/metric.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { METRICS } from '../../src/observe/metrics-table.ts';

const read = (name: string): string => readFileSync(resolve(import.meta.dirname, '../../deploy', name), 'utf8');

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}
interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly Target[] }[];
  readonly templating: { readonly list: readonly { readonly query: unknown }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const dashboard = JSON.parse(read('grafana-dashboard.json')) as Dashboard;
const { groups } = parse(read('alerts.yaml')) as { groups: readonly { readonly rules: readonly Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ...dashboard.annotations.list.map(({ expr }) => ['annotation', expr] as const),
];

/** Those of the table, by each name under which Prometheus knows them. */
const ours = new Map<string, readonly string[]>(
  (Object.values(METRICS) as Metric[]).flatMap(({ name, type, labels }) =>
    type === 'histogram'
      ? [
          [`${name}_bucket`, [...labels, 'le']] as const,
          [`${name}_sum`, labels] as const,
          [`${name}_count`, labels] as const,
        ]
      : [[name, labels] as const],
  ),
);
/** What Prometheus itself puts on every series, and we where there are several processes. */
const ALWAYS = ['job', 'instance', 'process'];

describe('the alert rules and the dashboard', () => {
  it('name only metrics that there are', async () => {
    const { text } = await createMetrics().scrape();
    const present = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]!));
    const named = expressions.flatMap(
      ([, expr]) => expr.match(/\b(?:matrix_sidecar|process|nodejs)_[a-z0-9_]+/g) ?? [],
    );
    expect(new Set(named).size).toBeGreaterThan(30);
    expect(named.filter((name) => !ours.has(name) && !present.has(name))).toEqual([]);
  });

  it('ask for no label that those metrics do not have', () => {
    const unknown = expressions.flatMap(([where, expr]) => {
      const has = [
        ...ALWAYS,
        ...[...expr.matchAll(/matrix_sidecar_[a-z_]+/g)].flatMap(([name]) => ours.get(name) ?? []),
      ];
      const asked = [
        ...[...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/,\s*/)),
        ...[...expr.matchAll(/[{,]\s*([a-z_]+)(?:=~|!=|=)"/g)].map(([, name]) => name!),
      ];
      return asked.filter((label) => !has.includes(label)).map((label) => `${where}: ${label}`);
    });
    expect(unknown).toEqual([]);
  });

  it('show every metric of ours but those of releases and of the last attempt', () => {
    const all = expressions.map(([, expr]) => expr).join('\n') + JSON.stringify(dashboard.templating);
    const unseen = (Object.values(METRICS) as Metric[]).map(({ name }) => name).filter((name) => !all.includes(name));
    expect(unseen.toSorted()).toEqual([
      'matrix_sidecar_acme_orders_total',
      'matrix_sidecar_certificate_last_attempt_success',
      'matrix_sidecar_certificate_last_attempt_timestamp_seconds',
      'matrix_sidecar_certificate_next_attempt_timestamp_seconds',
    ]);
  });

  it.each(rules)('$alert says in sentences what is wrong and what to do', ({ alert, labels, annotations }) => {
    expect(alert).toMatch(/^Matrix[A-Z][A-Za-z]+$/);
    expect(['warning', 'critical']).toContain(labels['severity']);
    expect(annotations['summary']).toMatch(/\.$/);
    expect(annotations['description']).toMatch(/\.$/);
  });
});
