import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';

/** What a process has in use. */
export interface Reading {
  /** Seconds since the watch began. */
  readonly at: number;
  /** Bytes. */
  readonly rss: number;
  /** Bytes of the JavaScript heap in use, and of what it has from the system; undefined where nobody answered. */
  readonly heap: number | undefined;
  readonly heapSize: number | undefined;
  /** Bytes of buffers and the like, which its objects keep. */
  readonly external: number | undefined;
  readonly descriptors: number;
}

/** What is left of a process's garbage when all of it is collected, in bytes. */
export interface Live {
  /** Seconds since the watch began. */
  readonly at: number;
  readonly heap: number;
  readonly external: number;
}

export interface ProcessWatch {
  readonly readings: readonly Reading[];
  readonly live: readonly Live[];
  read(): Promise<Reading>;
  stop(): void;
}

export interface Watched {
  readonly pid: number;
  /** The port of its admin listener. */
  readonly admin: number;
  /** Collects all garbage and tells what is left. */
  collect(): Promise<Omit<Live, 'at'>>;
}

/** Reads every second what the sidecar has in use, and each `every` milliseconds what is left without its garbage. */
export function watchProcess({ pid, admin, collect }: Watched, every: number): ProcessWatch {
  const readings: Reading[] = [];
  const live: Live[] = [];
  const began = performance.now();
  const since = (): number => (performance.now() - began) / 1_000;
  const read = async (): Promise<Reading> => {
    const at = since();
    const metrics = await scrape(admin).catch(() => undefined);
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return {
      at,
      rss: pages * 4096,
      heap: metrics?.get('nodejs_heap_size_used_bytes'),
      heapSize: metrics?.get('nodejs_heap_size_total_bytes'),
      external: metrics?.get('nodejs_external_memory_bytes'),
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
    };
  };
  const timers = [
    setInterval(() => void read().then((one) => readings.push(one), ignore), 1_000),
    setInterval(() => void collect().then((left) => live.push({ at: since(), ...left }), ignore), every),
  ];
  return {
    readings,
    live,
    read,
    stop() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

/** The metrics of the admin listener: by name with labels, as they stand in the text. */
export function scrape(admin: number): Promise<ReadonlyMap<string, number>> {
  return fetchText(admin, '/metrics').then((text) => {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
    );
  });
}

/** Of all labels together. */
export function sumOf(metrics: ReadonlyMap<string, number>, name: string, label = ''): number {
  let sum = 0;
  for (const [key, value] of metrics)
    if ((key === name || key.startsWith(`${name}{`)) && key.includes(label)) sum += value;
  return sum;
}

/** One question to the admin listener, on a connection of its own. */
export function fetchText(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false, timeout: 5_000 }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.once('end', () => resolve(text));
      response.once('error', reject);
    }).once('error', reject);
  });
}

/** The medians of the second and of the last fifth. */
export function compareFifths(values: readonly number[]): { readonly early: number; readonly late: number } {
  const fifth = Math.floor(values.length / 5);
  return { early: findMedian(values.slice(fifth, 2 * fifth)), late: findMedian(values.slice(-fifth)) };
}

function findMedian(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function ignore(): void {}
