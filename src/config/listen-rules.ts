import type { BindAddress } from '../base/address.ts';
import type { KeyPath } from './key-path.ts';
import type { RuleInput } from './server-rules.ts';

const LISTENERS = ['https', 'federation', 'http', 'admin'] as const;

interface Bound {
  readonly address: BindAddress;
  readonly path: KeyPath;
  readonly listener: string;
}

/** Rules between the listeners. */
export function checkListeners(input: RuleInput): void {
  const { draft, source, report } = input;
  const listen = draft.listen;
  if (listen === undefined) return;
  if (listen.https?.length === 0 && listen.federation?.length === 0) {
    const path = ['listen', 'federation'];
    const what = 'https and federation are both off, so nothing of Matrix could be reached';
    report({ path, at: 'value', what, fix: `Open one of them, as in ${source.spell(['listen', 'https'], 443)}` });
  }
  const bound: Bound[] = [];
  for (const listener of LISTENERS) {
    const many = Array.isArray(readWritten(source.value, listener));
    (listen[listener] ?? []).forEach((address, index) => {
      const path = ['listen', listener, ...(many ? [index] : [])];
      const other = bound.find((earlier) => collide(earlier.address, address));
      if (other !== undefined) reportCollision(input, other, { address, path, listener });
      bound.push({ address, path, listener });
    });
  }
}

function reportCollision(input: RuleInput, earlier: Bound, later: Bound): void {
  const { source, report } = input;
  // The later of the two may be a default that nobody wrote; then the one that was written is the one to look at.
  const { path } = source.has(later.path) || !source.has(earlier.path) ? later : earlier;
  const name = ({ listener }: Bound) => source.place(['listen', listener], 'key').key;
  const what =
    earlier.address.text === later.address.text
      ? `${later.address.text} is taken by ${name(earlier)}${earlier.listener === later.listener ? ' already' : ` and wanted by ${name(later)}`}`
      : `${earlier.address.text} (${name(earlier)}) and ${later.address.text} (${name(later)}) overlap`;
  report({ path, at: 'value', what, fix: adviseOnCollision(input, earlier, later, name(later)) });
}

function adviseOnCollision({ source }: RuleInput, earlier: Bound, later: Bound, name: string): string {
  if (earlier.listener === later.listener) {
    const all = [earlier, later].find(({ address }) => address.host === '::');
    return all === undefined ? 'Keep one of the two' : `Keep ${all.address.text} alone: it takes IPv4 and IPv6`;
  }
  const off = source.spell(['listen', later.listener], 'off');
  if (earlier.listener === 'https' && later.listener === 'federation') {
    return `Write ${off}, since the https listener serves other servers as well`;
  }
  return `Give ${name} another port, or write ${off}`;
}

/** Whether the second of two listeners could not be bound. Port 0 is a new port each time. */
function collide(a: BindAddress, b: BindAddress): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  const [first, second] = [a.host.toLowerCase(), b.host.toLowerCase()];
  if (first === second || first === '::' || second === '::') return true;
  const anyV4 = (host: string, other: string) => host === '0.0.0.0' && !other.includes(':');
  return anyV4(first, second) || anyV4(second, first);
}

function readWritten(value: unknown, listener: string): unknown {
  const listen = (value as { listen?: unknown } | null)?.listen;
  return typeof listen === 'object' && listen !== null ? (listen as Record<string, unknown>)[listener] : undefined;
}
