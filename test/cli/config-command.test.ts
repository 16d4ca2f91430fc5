import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addConfigCommand } from '../../src/cli/config-command.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { renderSchema } from '../../src/config/render-schema.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-command-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
  readonly thrown: CommanderError | undefined;
}

/** Runs `matrix-sidecar ARGUMENTS` in the folder, as main does. */
function run(line: string, env: Record<string, string> = {}): Outcome {
  let [out, err, thrown] = ['', '', undefined as CommanderError | undefined];
  const io: CliIo = {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    env,
    cwd: folder,
    isTerminal: false,
    colour: false,
    exitCode: 0,
  };
  const program = new Command('matrix-sidecar');
  addConfigCommand(program, io);
  try {
    program.parse(line.split(' '), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    thrown = error;
  }
  return { out, err, exitCode: io.exitCode, thrown };
}

const LEAST = 'servers:\n  - server_name: example.com\n    homeserver: http://synapse:8008\n';

describe('config check', () => {
  it('says in one sentence what a sound configuration does, and exits 0', () => {
    writeFileSync(join(folder, 'a.yaml'), `${LEAST}    delegate_to: m.example.com:443\nlisten: { http: off }\n`);
    expect(run('config check --config a.yaml')).toEqual({
      out: 'ok: a.yaml serves example.com at http://synapse:8008 (delegated to m.example.com:443 by well-known), with certificates from ACME (https://acme-v02.api.letsencrypt.org/directory), listening on https [::]:443, federation [::]:8448, admin 127.0.0.1:9010\n',
      err: '',
      exitCode: 0,
      thrown: undefined,
    });
  });

  it('prints every problem on stderr, nothing on stdout, and exits 1', () => {
    writeFileSync(join(folder, 'a.yaml'), `${LEAST}lsten: 443\nstore:\n`);
    expect(run('config check --config a.yaml')).toEqual({
      out: '',
      err:
        'a.yaml:4:1 lsten: there is no key "lsten" here. Did you mean listen?\n' +
        'a.yaml:5:1 store: has no value. Write a value, as in store: certs, or remove the line.\n',
      exitCode: 1,
      thrown: undefined,
    });
  });

  it('takes config/sidecar.yaml when no file is named, and notes what it ignores', () => {
    mkdirSync(join(folder, 'config'));
    writeFileSync(join(folder, 'config', 'sidecar.yaml'), LEAST);
    const { out, err, exitCode } = run('config check', { SERVER_NAME: 'other.example.com' });
    expect(out).toMatch(/^ok: config\/sidecar\.yaml serves example\.com /);
    expect(err).toMatch(/^note: .*ignored: SERVER_NAME\n$/);
    expect(exitCode).toBe(0);
  });

  it('takes the environment when there is no file', () => {
    const { out } = run('config check', { SERVER_NAME: 'example.com', HOMESERVER: 'http://a' });
    expect(out).toMatch(/^ok: the environment serves example\.com /);
  });

  it('names at most five of many servers', () => {
    const servers = Array.from({ length: 8 }, (_, i) => `  - { server_name: s${i}.org, homeserver: "http://h${i}" }\n`);
    writeFileSync(join(folder, 'a.yaml'), `servers:\n${servers.join('')}`);
    expect(run('config check --config a.yaml').out).toContain('s4.org at http://h4:80 and 3 more');
  });

  it.each(['.', 'missing.yaml'])('gives one sentence for --config %s', (file) => {
    const { err, exitCode } = run(`config check --config ${file}`);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(exitCode).toBe(1);
  });

  it('does not read an endless file to its end', () => {
    expect(run('config check --config /dev/zero').err).toMatch(/larger than 1 MiB/);
  });
});

describe('config show', () => {
  it('prints YAML that loads again, with defaults written out and secrets redacted', () => {
    writeFileSync(join(folder, 'a.yaml'), `${LEAST}store: postgres://u:hunter2@db/x\n`);
    const { out, err, exitCode } = run('config show --config a.yaml');
    expect(out).toContain('keep_alive: 75s');
    expect(out).toContain('store: postgres://u:[redacted]@db/x');
    expect([err, exitCode]).toEqual(['', 0]);
    writeFileSync(join(folder, 'b.yaml'), out);
    expect(run('config show --config b.yaml').out).toBe(out);
  });

  it('prints nothing on stdout when the configuration is broken', () => {
    expect(run('config show')).toMatchObject({ out: '', exitCode: 1 });
  });
});

describe('config schema', () => {
  it('prints the JSON Schema', () => {
    expect(run('config schema')).toMatchObject({ out: renderSchema(), err: '', exitCode: 0 });
  });
});

describe('wrong usage', () => {
  it.each(['config chek', 'config check --confg x', 'config check --config', 'config'])('of %j throws', (line) => {
    const { out, err, thrown } = run(line);
    expect(thrown?.exitCode).toBe(1);
    expect(out).toBe('');
    expect(err).not.toBe('');
  });

  it('is told apart from help, which goes to stdout', () => {
    const { out, thrown } = run('config --help');
    expect(thrown?.exitCode).toBe(0);
    expect(out).toMatch(/check.*show.*schema/s);
  });
});
