import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/base/version.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { runCommandLine } from '../../src/cli/program.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in a folder and an environment where there is nothing. */
async function run(...args: string[]): Promise<Ran> {
  let out = '';
  let err = '';
  const io: CliIo = {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    env: {},
    cwd: '/nonexistent',
    isTerminal: false,
    colour: false,
    exitCode: 0,
  };
  await runCommandLine(args, io);
  return { code: io.exitCode, out, err };
}

describe('what was asked for goes to stdout, and the exit code is 0', () => {
  it.each([
    [['--version'], VERSION],
    [['-V'], VERSION],
    [['--help'], 'Usage: matrix-sidecar'],
    [['help'], 'Usage: matrix-sidecar'],
    [['serve', '--help'], 'Usage: matrix-sidecar serve'],
    [['help', 'serve'], 'Usage: matrix-sidecar serve'],
    [['config', '--help'], 'Usage: matrix-sidecar config'],
    [['config', 'check', '--help'], 'Usage: matrix-sidecar config check'],
    [['config', 'schema'], '"$schema"'],
    [['demo', '--help'], 'Usage: matrix-sidecar demo'],
    [['certs', '--help'], 'Usage: matrix-sidecar certs'],
    [['status', '--help'], 'Usage: matrix-sidecar status'],
    [['explain', '--help'], 'Usage: matrix-sidecar explain'],
    [['import', '--help'], 'Usage: matrix-sidecar import'],
    [['import', 'nginx', '--help'], 'Usage: matrix-sidecar import nginx'],
  ])('%j', async (args, text) => {
    const { code, out, err } = await run(...args);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(text);
  });

  it('--help names every command and what it does', async () => {
    const { out } = await run('--help');
    for (const command of ['serve', 'status', 'certs', 'import', 'config', 'demo'])
      expect(out).toMatch(new RegExp(`^ +${command}\\b.* \\w`, 'm'));
  });
});

describe('wrong usage is explained on stderr, with a next step, and the exit code is 2', () => {
  it.each([
    [[], 'Usage: matrix-sidecar'],
    [['nonsense'], "unknown command 'nonsense'"],
    [['serv'], 'Did you mean serve?'],
    [['--nonsense'], "unknown option '--nonsense'"],
    [['serve', '--nonsense'], "unknown option '--nonsense'"],
    [['serve', '--config'], 'argument missing'],
    [['serve', 'too', 'much'], 'too many arguments'],
    [['config'], 'Usage: matrix-sidecar config'],
    [['config', 'nonsense'], "unknown command 'nonsense'"],
    [['help', 'nonsense'], 'Usage: matrix-sidecar'],
  ])('%j', async (args, text) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(text);
    expect(err).toMatch(/--help/);
  });
});

describe('a configuration that cannot be read is explained on stderr, and the exit code is 1', () => {
  it.each([
    [['serve', '--config', 'none.yaml'], 'none.yaml'],
    [['serve'], 'SERVER_NAME'],
    [['config', 'check'], 'SERVER_NAME'],
    [['config', 'show', '--config', 'none.yaml'], 'none.yaml'],
    [['status', '--config', 'none.yaml'], 'none.yaml'],
  ])('%j', async (args, text) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(text);
    expect(err.endsWith('\n')).toBe(true);
    expect(err.endsWith('\n\n')).toBe(false);
  });
});
