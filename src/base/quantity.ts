import { bad, good, type Parsed } from './parsed.ts';

const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  k: 1024,
  K: 1024,
  KiB: 1024,
  kB: 1000,
  KB: 1000,
  M: 1024 ** 2,
  MiB: 1024 ** 2,
  MB: 1000 ** 2,
  G: 1024 ** 3,
  GiB: 1024 ** 3,
  GB: 1000 ** 3,
};
const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]*)$/.exec(text);
  const unit = match === null ? undefined : Object.hasOwn(units, match[2]!) ? units[match[2]!] : undefined;
  return unit === undefined ? undefined : Math.round(Number(match![1]) * unit);
}

/** Bytes. `50M` means 50 x 1024 x 1024, as in Synapse's max_upload_size; `kB`, `MB`, `GB` are powers of ten. */
export function parseSize(text: string): Parsed<number> {
  const bytes = parseQuantity(text, BYTES);
  if (bytes === undefined || !Number.isSafeInteger(bytes))
    return bad(`${JSON.stringify(text)} is no size; write 512KiB, 50M or 1GiB`);
  return good(bytes);
}

/** Milliseconds. A unit is required: `500ms`, `10s`, `5m`, `2h`, `7d`. */
export function parseDuration(text: string): Parsed<number> {
  const ms = parseQuantity(text, MILLISECONDS);
  // 24 days is the longest timer that Node can set (2^31 - 1 ms); nothing here needs more.
  if (ms === undefined || ms > 2_147_483_647)
    return bad(`${JSON.stringify(text)} is no duration up to 24d; write 500ms, 10s, 5m or 2h`);
  return good(ms);
}
