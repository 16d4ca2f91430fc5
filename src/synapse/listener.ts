import { isJsonObject } from '../matrix/json.ts';
import type { Place } from './yaml-file.ts';

/** One entry of Synapse's `listeners` (synapse/config/server.py, parse_listener_def), with its defaults filled in. */
export interface SynapseListener {
  /** `http`, `metrics`, `manhole`; Synapse passes over others. */
  readonly type: string;
  readonly at:
    | { readonly kind: 'tcp'; readonly port: number; readonly bindAddresses: readonly string[] }
    | { readonly kind: 'unix'; readonly path: string };
  /** Never true on a Unix socket. */
  readonly tls: boolean;
  readonly xForwarded: boolean;
  /** `client`, `federation`, `media`, `keys`, `metrics`, `replication`, `health` and so on; once each. */
  readonly resources: readonly string[];
  readonly place: Place;
}

/** Synapse's DEFAULT_BIND_ADDRESSES. */
const EVERYWHERE = ['::', '0.0.0.0'];

/** Reads one entry as Synapse does; a sentence's end where Synapse would refuse to start. */
export function readListener(
  entry: unknown,
  place: Place,
): { readonly ok: true; readonly listener: SynapseListener } | { readonly ok: false; readonly why: string } {
  const refuse = (why: string) => ({ ok: false, why }) as const;
  if (!isJsonObject(entry)) return refuse('is no mapping of port, type and so on');
  const { type, port, path } = entry;
  if (typeof type !== 'string') return refuse('has no type');
  if (port !== undefined && port !== null && (typeof port !== 'number' || !Number.isInteger(port)))
    return refuse('has a port that is no number');
  if (path !== undefined && path !== null && typeof path !== 'string') return refuse('has a path that is no text');
  const hasPath = typeof path === 'string' && path !== '';
  if (hasPath && typeof port === 'number' && port !== 0) return refuse('has both a port and a path');
  if (!hasPath && typeof port !== 'number') return refuse('has neither port nor path');
  const resources = readResources(entry['resources']);
  if (resources === undefined) return refuse('has resources that are no list of names');
  const common = { type, resources, place };
  if (hasPath) {
    const at = { kind: 'unix', path } as const;
    return { ok: true, listener: { ...common, at, tls: false, xForwarded: isTrue(entry['x_forwarded'] ?? true) } };
  }
  const at = { kind: 'tcp', port: Number(port), bindAddresses: readBindAddresses(entry, type) } as const;
  const [tls, xForwarded] = [isTrue(entry['tls']), isTrue(entry['x_forwarded'])];
  return { ok: true, listener: { ...common, at, tls, xForwarded } };
}

function readBindAddresses(
  { bind_addresses: many, bind_address: one }: Readonly<Record<string, unknown>>,
  type: string,
) {
  const given = Array.isArray(many) ? many.map(String) : [];
  if (typeof one === 'string' && one !== '') given.push(one);
  if (given.length > 0) return given;
  return type === 'metrics' ? ['0.0.0.0'] : EVERYWHERE;
}

function readResources(written: unknown): readonly string[] | undefined {
  if (written === undefined || written === null) return [];
  if (!Array.isArray(written)) return undefined;
  const names = written.map((one: unknown) => (isJsonObject(one) ? one['names'] : undefined));
  if (!names.every((one): one is unknown[] => Array.isArray(one))) return undefined;
  return [...new Set(names.flat().map(String))];
}

/** What Python takes for true. */
function isTrue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== '';
}

/** The listeners of the settings that came before `listeners` (`bind_port`), which still replace it. */
export function readLegacyListeners(
  values: Readonly<Record<string, unknown>>,
  place: Place,
): readonly SynapseListener[] | undefined {
  const port = values['bind_port'];
  if (typeof port !== 'number' || port === 0) return undefined;
  const host = typeof values['bind_host'] === 'string' ? values['bind_host'] : '';
  const bindAddresses = host === '' ? EVERYWHERE : [host];
  const plain = typeof values['unsecure_port'] === 'number' ? values['unsecure_port'] : port - 400;
  const listen = (at: number, tls: boolean): SynapseListener => ({
    type: 'http',
    at: { kind: 'tcp', port: at, bindAddresses },
    tls,
    xForwarded: false,
    resources: ['client', 'federation'],
    place,
  });
  return plain === 0 ? [listen(port, true)] : [listen(port, true), listen(plain, false)];
}

/** What a resource name brings along (synapse/app/homeserver.py, _configure_named_resource). */
export function serves(listener: SynapseListener, resource: 'client' | 'federation'): boolean {
  return listener.type === 'http' && listener.resources.includes(resource);
}

/** `port 8008`, `the socket /run/synapse/main.sock`. */
export function nameListener({ at }: SynapseListener): string {
  return at.kind === 'tcp' ? `port ${at.port}` : `the socket ${at.path}`;
}
