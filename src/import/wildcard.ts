/**
 * Whether a name matches a pattern with `*` (any characters), `?` (one) and `[a-z]`, `[!a]` (one of, none of). In time
 * proportional to the product of the two lengths, whatever the pattern.
 */
export function matchesWildcard(pattern: string, name: string): boolean {
  const units = splitPattern(pattern);
  let [unit, at] = [0, 0];
  let [star, resume] = [-1, 0];
  while (at < name.length) {
    const wanted = units[unit];
    if (wanted === '*') {
      star = unit++;
      resume = at;
    } else if (wanted !== undefined && matchesOne(wanted, name[at]!)) {
      unit++;
      at++;
    } else if (star !== -1) {
      // The last star takes one character more.
      unit = star + 1;
      at = ++resume;
    } else return false;
  }
  return units.slice(unit).every((rest) => rest === '*');
}

function splitPattern(pattern: string): string[] {
  return pattern.match(/\[[^\]]+\]|[\s\S]/g) ?? [];
}

function matchesOne(unit: string, character: string): boolean {
  if (unit === '?') return true;
  if (unit.length === 1) return unit === character;
  const inverted = /^\[[!^]/.test(unit);
  const set = unit.slice(inverted ? 2 : 1, -1);
  let found = false;
  for (let index = 0; index < set.length; index++) {
    if (set[index + 1] === '-' && index + 2 < set.length) {
      found ||= character >= set[index]! && character <= set[index + 2]!;
      index += 2;
    } else found ||= set[index] === character;
  }
  return found !== inverted;
}
