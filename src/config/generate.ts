// Run by `npm run generate`: writes the files that are made from tables. A test fails when they are out of date.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderGeneratedFiles } from './generated-files.ts';

const root = join(import.meta.dirname, '..', '..');
for (const { path, text } of renderGeneratedFiles()) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  process.stdout.write(`${path}\n`);
}
