import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the program prints in some situation, with the command before it. */
export type Scene = () => Promise<string>;

const DOCS = join(import.meta.dirname, '../../../docs');
/** A comment that no reader sees, and the block after it that a scene fills. */
const SHOWN = /^<!-- shows: ([a-z-]+) -->\n```text\n([\s\S]*?)^```$/gm;

/** Where the guide is. */
export function guidePath(guide: string): string {
  return join(DOCS, guide);
}

export function readGuide(guide: string): string {
  return readFileSync(guidePath(guide), 'utf8');
}

/** The guide with every `<!-- shows: NAME -->` block as the scene of that name has it now. Throws where there is none. */
export async function fillGuide(text: string, scenes: Readonly<Record<string, Scene>>): Promise<string> {
  const shown = new Map<string, string>();
  for (const [, name = ''] of text.matchAll(SHOWN)) {
    const scene = scenes[name];
    if (scene === undefined) throw new Error(`There is no scene ${name}.`);
    shown.set(name, await scene());
  }
  return text.replaceAll(
    SHOWN,
    (_, name: string) => `<!-- shows: ${name} -->\n\`\`\`text\n${shown.get(name)!.trimEnd()}\n\`\`\``,
  );
}

/** The names of the scenes that a guide shows, in order. */
export function listShown(text: string): readonly string[] {
  return [...text.matchAll(SHOWN)].map(([, name]) => name!);
}

/** The YAML after `<!-- config: NAME -->`. */
export function readExample(text: string, name: string): string {
  const [, yaml] = new RegExp(`^<!-- config: ${name} -->\\n\`\`\`yaml\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text) ?? [];
  if (yaml === undefined) throw new Error(`There is no example ${name}.`);
  return yaml;
}

/** What was printed between two lines, both found by their beginning; `…` stands for the rest. */
export function excerpt(text: string, from: RegExp, to?: RegExp): string {
  const lines = text.split('\n');
  const begin = lines.findIndex((line) => from.test(line));
  if (begin < 0) throw new Error(`${from} is not in:\n${text}`);
  const length = to === undefined ? -1 : lines.slice(begin).findIndex((line) => to.test(line));
  const end = length < 0 ? lines.length : begin + length;
  const part = lines.slice(begin, end).join('\n').trimEnd();
  return `${begin === 0 ? '' : '…\n'}${part}\n${end === lines.length ? '' : '…\n'}`;
}
