import { configTable } from './table.ts';
import type { Key, Keys, Section, SectionList, Variants } from './table-shape.ts';
import { writeExample } from './write-example.ts';
import { writeInline } from './yaml-source.ts';

const HEAD = `# yaml-language-server: $schema=schema.json
# The configuration of matrix-sidecar, with every key. Copy this file to config/sidecar.yaml and change what you need:
# only server_name and homeserver have to be written. Live lines show the defaults; lines that begin with "# " and a
# key are examples of what may be added. Sections on one line show what they need, and docs/reference/configuration.md
# what else may be in them. Relative paths start in the working directory, not in this folder.
# Check your file with: matrix-sidecar config check
`;
const WIDTH = 118;

/** A file with every key, its comment and its default, that loads as it is. */
export function renderSample(): string {
  return `${HEAD}\n${renderKeys(configTable.keys, '', false).trimEnd()}\n`;
}

/** `off`: all of it is commented out, as part of a section that is. */
function renderKeys(keys: Keys, indent: string, off: boolean): string {
  return Object.entries(keys)
    .map(([name, entry]) => {
      if (entry.kind === 'key') return renderKey(name, entry, indent, off);
      if (entry.kind === 'list') return renderList(name, entry, indent);
      if (entry.kind === 'variants') return renderVariants(name, entry, indent);
      return renderSection(name, entry, indent, off);
    })
    .join(indent === '' ? '\n' : '');
}

function renderKey(name: string, key: Key, indent: string, off: boolean): string {
  // A server's delegate_by without a delegate_to is an error, so it cannot be live where that is commented out.
  const live = !off && (key.presence === 'required' || (key.presence === 'default' && name !== 'delegate_by'));
  const value = live && key.presence === 'default' ? key.default : key.example;
  const otherwise = live || key.otherwise === undefined ? '' : ` Without it: ${key.otherwise}.`;
  const same = JSON.stringify(value) === JSON.stringify(key.example);
  const example = same ? '' : `${indent}# Example: ${writeInline(key.example)}\n`;
  const line = `${indent}${live ? '' : '# '}${name}: ${writeInline(value)}\n`;
  return `${comment(`${key.says}${otherwise}`, indent)}${example}${line}`;
}

function renderSection(name: string, section: Section, indent: string, off: boolean): string {
  const hidden = off || section.optional;
  const head = `${comment(section.says, indent)}${indent}${hidden ? '# ' : ''}${name}:`;
  if (!section.optional) return `${head}\n${renderKeys(section.keys, `${indent}  `, hidden)}`;
  return `${head} ${writeExample(section)}\n`;
}

function renderVariants(name: string, { says, forms }: Variants, indent: string): string {
  const lines = Object.values(forms).map((form) => {
    return `${comment(form.says, indent)}${indent}# ${name}: ${writeExample(form)}\n`;
  });
  return `${comment(says, indent)}${lines.join('')}`;
}

function renderList(name: string, list: SectionList, indent: string): string {
  const inner = `${indent}    `;
  const lines = renderKeys(list.of.keys, inner, false).split('\n');
  // The dash stands before the first key; the comments above it take the dash's column.
  const first = lines.findIndex((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  for (let index = 0; index < first; index++) lines[index] = `${indent}  ${lines[index]!.trimStart()}`;
  lines[first] = `${indent}  - ${lines[first]!.slice(inner.length)}`;
  return `${comment(list.says, indent)}${indent}${name}:\n${lines.join('\n')}`;
}

function comment(text: string, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + 2 + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((part) => `${indent}# ${part}\n`).join('');
}
