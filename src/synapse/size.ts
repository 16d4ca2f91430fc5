const UNITS: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** Bytes, as Synapse reads them (synapse/config/_base.py, parse_size): a number, or text with K, M, G or T after it. */
export function parseSynapseSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match = typeof value === 'string' ? /^\s*(\d{1,12})\s*([KMGT]?)$/.exec(value) : null;
  return match === null ? undefined : Number(match[1]) * (UNITS[match[2]!] ?? 1);
}

/** Bytes the way an admin writes them into homeserver.yaml: `50M`, `1G`, `123456`. */
export function writeSynapseSize(bytes: number): string {
  for (const unit of ['T', 'G', 'M', 'K']) {
    if (bytes > 0 && bytes % UNITS[unit]! === 0) return `${bytes / UNITS[unit]!}${unit}`;
  }
  return String(bytes);
}
