/** Longer than any server name (255 characters, appendices of the specification), each character escaped, in quotes. */
const LONGEST = 600;

/**
 * Every server name that a request's Authorization fields could be read to be from, by whoever reads them. Synapse takes the
 * last of several fields and the last of several parameters, splits at commas also within quotes, and drops the last
 * character of what begins with a quote (federation/transport/server/_base.py); others read otherwise. For refusing: who is
 * refused must not choose how it is read. `headers` are flat pairs.
 */
export function listClaimedOrigins(headers: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue;
    for (const { index: at, 0: key } of headers[index + 1]!.matchAll(/origin[ \t]*=[ \t]*/gi))
      found.push(...readValue(headers[index + 1]!, at + key.length));
  }
  return found;
}

/** What may be meant by the value that begins at `from`. */
function readValue(field: string, from: number): string[] {
  const [raw = ''] = field.slice(from, from + LONGEST).split(',', 1);
  const value = raw.trimEnd();
  if (!value.startsWith('"')) return [value];
  const [quoted = ''] = value.slice(1).split('"', 1);
  return [dropEscapes(value.slice(1, -1)), dropEscapes(quoted)];
}

function dropEscapes(text: string): string {
  return text.replaceAll(/\\(.)/g, '$1');
}
