import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderMarkdownTable } from '../../../src/base/markdown-table.ts';
import type { Latency, Measured } from './measure.ts';

/** Writes what was measured as JSON and as a table of Markdown into a folder, which is made if need be. */
export function writeReport(folder: string, measured: readonly Measured[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'attacks.json'), `${JSON.stringify(measured, undefined, 1)}\n`);
  writeFileSync(join(folder, 'attacks.md'), `${renderReport(measured)}\n`);
}

function renderReport(measured: readonly Measured[]): string {
  const latency = ({ median, p99, worst }: Latency): string =>
    [median, p99, worst].map((ms) => ms.toFixed(0)).join(' / ');
  return renderMarkdownTable(
    ['attack', 'what was done', 'new connection, ms', 'kept connection, ms', 'failed', 'core, %', 'RSS, MiB'],
    measured.map(({ attack, did, under, cpu, rss }) => [
      attack,
      Object.entries(did)
        .filter(([what]) => !what.startsWith('error') && what !== 'refused')
        .map(([what, times]) => `${times} ${what}`)
        .join(', '),
      latency(under.fresh),
      latency(under.kept),
      String(under.failures.length),
      String(cpu),
      `${rss.before} / ${rss.most} / ${rss.after}`,
    ]),
  );
}
