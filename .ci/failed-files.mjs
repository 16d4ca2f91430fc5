// failed-files.mjs RESULTS: prints the files with failures in what vitest's JSON reporter wrote, one a line, relative to
// this folder; with none or more than three it prints nothing: then a second try would say nothing about the first.
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const [results] = process.argv.slice(2);
if (existsSync(results)) {
  const { testResults } = JSON.parse(readFileSync(results, 'utf8'));
  const failed = testResults.filter(({ status }) => status === 'failed').map(({ name }) => relative('', name));
  if (failed.length <= 3) console.log(failed.join('\n'));
}
