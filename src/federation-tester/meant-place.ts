import type { Resolution } from '../discovery/resolution.ts';

const FEDERATION_PORT = 8448;

/** Where other servers are sent first, as DNS and documents say, whatever `--connect-to` makes of it. */
export function meantPlace(resolution: Resolution): { readonly host: string; readonly port: number } | undefined {
  const { step, serverName, wellKnown, srv, certificateName } = resolution;
  if (step === '3.3' || step === '3.4' || step === '4' || step === '5') {
    const records = srv.find((lookup) => lookup.records.length > 0)?.records ?? [];
    const [record] = records
      .filter(({ target }) => target !== '.')
      .toSorted((one, other) => one.priority - other.priority);
    return record === undefined ? undefined : { host: record.target, port: record.port };
  }
  const named = wellKnown?.result.ok === true ? wellKnown.result.delegated : serverName;
  return { host: certificateName, port: named.port ?? FEDERATION_PORT };
}
