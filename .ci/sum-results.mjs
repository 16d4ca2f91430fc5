// sum-results.mjs FOLDER SUITE...: adds up what the suites of .ci/run left in FOLDER, prints one line a suite and
// the total as the last line, and exits 1 when anything failed. What failed first and passed at the second try is named.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...suites] = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };

function format({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function readResults(name) {
  const file = join(folder, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).testResults : undefined;
}

function hasSucceeded(name) {
  const file = join(folder, `${name}.status`);
  return existsSync(file) && readFileSync(file, 'utf8').trim() === '0';
}

const failures = ({ assertionResults }) => assertionResults.filter(({ status }) => status === 'failed');

/** The files of a suite as they were at their last try. */
function lastTries(name, first) {
  const again = readResults(`${name}-again`) ?? [];
  return first.map((file) => {
    const second = again.find((one) => one.name === file.name);
    if (second?.status !== 'passed') return file;
    for (const { fullName } of failures(file))
      console.log(`${name}: failed, and passed at the second try: ${fullName}`);
    return second;
  });
}

/** What one suite counts for; one that broke in a way that no test shows counts as one failure. */
function count(name) {
  const succeeded = hasSucceeded(name) || hasSucceeded(`${name}-again`);
  const first = readResults(name);
  if (first === undefined) return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, skipped: 0 };
  const counted = { passed: 0, failed: 0, skipped: 0 };
  for (const file of lastTries(name, first)) {
    for (const { status } of file.assertionResults) {
      counted[status === 'passed' || status === 'failed' ? status : 'skipped'] += 1;
    }
    // A file that could not be loaded has no tests of its own to fail.
    if (file.status === 'failed' && failures(file).length === 0) counted.failed += 1;
  }
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
