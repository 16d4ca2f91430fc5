import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { CertificateOutlook } from '../../../src/app/certificate-outlook.ts';
import { createCertificateWatch } from '../../../src/app/certificate-watch.ts';
import type { Log, LogMethod } from '../../../src/base/log.ts';
import { formatForTerminal } from '../../../src/observe/terminal-line.ts';
import { createManualSystem } from '../../tls/manual-system.ts';

const DAY = 86_400_000;
const LOGGER = fileURLToPath(new URL('../../../src/observe/logger.ts', import.meta.url));
const SYSTEM = fileURLToPath(new URL('../../../src/base/system.ts', import.meta.url));

/** The line as pino writes it. */
function write(method: string, fields: object, sentence: string): string {
  const program = `
    import { createLogger } from ${JSON.stringify(LOGGER)};
    import { realSystem } from ${JSON.stringify(SYSTEM)};
    createLogger({ level: 'debug' }, { system: realSystem })[${JSON.stringify(method)}](${JSON.stringify(fields)}, ${JSON.stringify(sentence)});`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).stdout;
}

it('a certificate at risk is told at the level of a warning, which the line has once, and with how bad it is beside it', () => {
  const said: { method: string; fields: object; sentence: string }[] = [];
  const method =
    (name: string): LogMethod =>
    (fields, sentence) =>
      void said.push({ method: name, fields, sentence });
  const log: Log = { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') };
  const system = createManualSystem();
  const now = system.now();
  const outlook = {
    ...{ id: 'a.test', names: ['a.test'], level: 'at-risk' as const, unsettled: false },
    ...{ certificate: { notBefore: now - 80 * DAY, notAfter: now + 10 * DAY }, next: undefined },
    ...{ last: undefined, obstacle: undefined },
  };
  const watch = createCertificateWatch({
    ...{ system, log, board: { put: () => {} } },
    outlooks: () => [outlook as unknown as CertificateOutlook],
  });
  watch.look();
  watch.close();
  expect(said.map((one) => one.method)).toEqual(['warn']);
  const line = write(said[0]!.method, said[0]!.fields, said[0]!.sentence);
  expect(JSON.parse(line)).toMatchObject({ level: 'warn', risk: 'at-risk' });
  expect(line.match(/"level":/g)).toHaveLength(1);
  expect(formatForTerminal(line, { colour: false })).toMatch(/Z WARN {2}/);
});
