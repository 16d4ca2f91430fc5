/** Where a value stands in the configuration's tree: names of keys and, in a list, positions from 0. */
export type KeyPath = readonly (string | number)[];

/** `servers[0].homeserver`; a name that holds other characters than letters, digits, `_` and `-` is quoted. */
export function formatKeyPath(path: KeyPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[A-Za-z0-9_-]{1,80}$/.test(step)) text += `[${quote(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** Text in double quotes for a sentence: control characters are escaped, and long text is cut. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 119)}…` : text);
}

/** Two paths that name the same place have the same text here. */
export function pathId(path: KeyPath): string {
  return JSON.stringify(path);
}
