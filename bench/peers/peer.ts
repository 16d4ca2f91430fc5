import type { BenchFile, Workspace } from '../workspace.ts';

/** Who is measured. `before` is another build of the sidecar (--beside), `two` the sidecar with two processes. */
export const CONTENDERS = ['sidecar', 'before', 'nginx', 'haproxy', 'caddy'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** Those that the sidecar is compared with. */
export const PEERS = ['nginx', 'haproxy', 'caddy'] as const;
export type PeerName = (typeof PEERS)[number];

/** How they are called in tables. */
export const TITLES: Readonly<Record<ContenderName, string>> = {
  sidecar: 'matrix-sidecar',
  before: 'before',
  nginx: 'nginx',
  haproxy: 'HAProxy',
  caddy: 'Caddy',
};

/** What a configuration is written for: the same for everyone. */
export interface Post {
  /** 127.0.0.1, TLS, HTTP/1.1 and HTTP/2. */
  readonly port: number;
  /** 127.0.0.1, plain HTTP/1.1. */
  readonly upstreamPort: number;
  readonly certificate: Workspace['certificate'];
  /** Open files that a process may have. */
  readonly openFiles: number;
  /** The version of the program, such as 1.30.6. */
  readonly version: string;
  /** A folder of its own, which exists. */
  readonly folder: BenchFile;
  write(name: string, text: string): BenchFile;
}

/** How a proxy is started. */
export interface Launch {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The well-known document that all of them publish. */
export const WELL_KNOWN_PATH = '/.well-known/matrix/server';
export const WELL_KNOWN = '{"m.server":"bench.test:443"}';

/** Whether version `a` is at least `b`, number by number. */
export function isAtLeast(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (const [index, wanted] of right!.entries()) {
    const have = left![index] ?? 0;
    if (have !== wanted) return have > wanted;
  }
  return true;
}
