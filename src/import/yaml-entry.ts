import { stringify } from 'yaml';
import { formatPlace, type Place } from './place.ts';

/** One key of the YAML that is printed. */
export interface YamlEntry {
  readonly key: string;
  readonly value: unknown;
  /** Stands behind the value, or above it where that has several lines. */
  readonly note?: string | undefined;
  /** Whether it is only a proposal, with a # before it. */
  readonly proposed?: boolean;
}

/** A value, and where it is from. */
export function entry(key: string, value: unknown, from: Place | string | undefined): YamlEntry {
  return { key, value, note: from === undefined || typeof from === 'string' ? from : formatPlace(from) };
}

/** The whole file. `head` and what is `above` a server are sentences for comments. */
export function writeYaml(
  head: readonly string[],
  servers: readonly { readonly above: readonly string[]; readonly entries: readonly YamlEntry[] }[],
  sections: readonly YamlEntry[],
): string {
  const lines = [...head.map(comment), 'servers:'];
  for (const { above, entries } of servers) {
    lines.push(...above.map((text) => `  ${comment(text)}`));
    const written = entries.flatMap((one) => writeEntry(one, '    '));
    lines.push(`  - ${written[0]!.trimStart()}`, ...written.slice(1));
  }
  for (const section of sections) lines.push(...writeEntry(section, ''));
  return `${lines.join('\n')}\n`;
}

function writeEntry({ key, value, note, proposed }: YamlEntry, indent: string): string[] {
  const said = note === undefined ? '' : ` ${comment(note)}`;
  const lines = isFlat(value)
    ? [`${key}: ${writeFlat(value)}${said}`]
    : [...(note === undefined ? [] : [comment(note)]), `${key}:`, ...writeBlock(value)];
  return lines.map((line) => `${indent}${proposed && !line.startsWith('#') ? '# ' : ''}${line}`);
}

/** Short enough for one line. */
function isFlat(value: unknown): boolean {
  return typeof value !== 'object' || value === null || writeFlat(value).length <= 110;
}

function writeFlat(value: unknown): string {
  return stringify(value, {
    collectionStyle: 'flow',
    lineWidth: 0,
    flowCollectionPadding: true,
    aliasDuplicateObjects: false,
  }).trimEnd();
}

function writeBlock(value: unknown): string[] {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
}

/** A name of a file may hold a line break, which would end the comment. */
function comment(text: string): string {
  return `# ${text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ')}`;
}
