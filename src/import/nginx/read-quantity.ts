const BYTES: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
const SECONDS: Readonly<Record<string, number>> = {
  ms: 0.001,
  '': 1,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};

/** Bytes, as nginx writes them: `50m`, `1G`, `1024`. Undefined for what is none. */
export function readSize(text: string): number | undefined {
  const match = /^(\d{1,12})([kmg]?)$/i.exec(text);
  return match === null ? undefined : Number(match[1]) * BYTES[match[2]!.toLowerCase()]!;
}

/** Seconds, as nginx writes times: `600s`, `10m`, `1h 30m`, `90`. Undefined for what is none. */
export function readSeconds(text: string): number | undefined {
  const parts = text.split(/\s+/).flatMap((part) => part.match(/\d+[a-z]*/gi) ?? []);
  if (parts.length === 0) return undefined;
  let seconds = 0;
  for (const part of parts) {
    const [, number = '', unit = ''] = /^(\d+)([a-z]*)$/i.exec(part) ?? [];
    if (!Object.hasOwn(SECONDS, unit)) return undefined;
    seconds += Number(number) * SECONDS[unit]!;
  }
  return seconds;
}
