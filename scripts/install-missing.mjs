// Runs before `npm run demo` and `npm test`, on whatever Node the host has (20 or later): installs the
// locked dependencies when they are missing or when the lock file has changed since they were installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const stamp = join(root, 'node_modules', '.installed-lock');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const present = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';

if (present !== wanted) {
  process.stderr.write('Installing what is missing (npm ci); this happens once and after the lock file changed.\n');
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm === undefined ? ['npm', 'ci'] : [process.execPath, npm, 'ci'];
  const run = spawnSync(command, [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (run.status !== 0) {
    process.stderr.write('npm ci failed, see above. With a working network, run it by hand: npm ci\n');
    process.exit(run.status ?? 1);
  }
  writeFileSync(stamp, wanted);
}
