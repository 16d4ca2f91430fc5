// sum-results.mjs FOLDER SUITE...: adds up what the suites of .ci/run left in FOLDER, prints one line a suite and
// the total as the last line, and exits 1 when anything failed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...suites] = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };

function format({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** What one suite counts for; one that broke in a way that no test shows counts as one failure. */
function count(name) {
  const statusFile = join(folder, `${name}.status`);
  const succeeded = existsSync(statusFile) && readFileSync(statusFile, 'utf8').trim() === '0';
  const resultsFile = join(folder, `${name}.json`);
  if (!existsSync(resultsFile)) return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, skipped: 0 };
  const results = JSON.parse(readFileSync(resultsFile, 'utf8'));
  const counted = { passed: results.numPassedTests, failed: results.numFailedTests, skipped: 0 };
  counted.skipped = results.numPendingTests + results.numTodoTests;
  // A file that could not be loaded has no tests of its own to fail.
  const broken = (file) => file.status === 'failed' && !file.assertionResults.some((one) => one.status === 'failed');
  counted.failed += results.testResults.filter(broken).length;
  if (!succeeded && counted.failed === 0) counted.failed = 1;
  return counted;
}

for (const name of suites) {
  const counted = count(name);
  for (const key of Object.keys(total)) total[key] += counted[key];
  console.log(`${name}: ${format(counted)}`);
}
console.log(format(total));
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
