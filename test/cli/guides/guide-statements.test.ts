import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadText } from '../../config/load-file.ts';
import { run } from '../check-bench.ts';
import { readGuide } from './fill-guide.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const OPERATIONS = readGuide('operations.md');
const GUIDES: readonly (readonly [string, string])[] = [
  ['hosting-for-others.md', readGuide('hosting-for-others.md')],
  ['operations.md', OPERATIONS],
];

/** The first cells of the table rows of a text that are code. */
function listRows(text: string): readonly string[] {
  return [...text.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell = '']) => cell.match(/[^`, ]+/g) ?? []);
}

function section(text: string, heading: string): string {
  return text.split(`\n${heading}\n`)[1]!.split(/^## /m)[0]!;
}

/** Every `matrix-sidecar COMMAND …`, up to the end of the code that it stands in. */
function listCommands(text: string): readonly string[] {
  return [...text.matchAll(/matrix-sidecar ((?:config|certs) [a-z]+|[a-z]+)(?=[\s`])([^`\n#|;]*)/g)].map(
    ([, command = '', rest = '']) => `${command}${rest}`,
  );
}

describe.each(GUIDES)('docs/%s', (_, text) => {
  it('names only commands and options that there are', async () => {
    const commands = listCommands(text);
    expect(commands.length).toBeGreaterThan(5);
    for (const command of commands) {
      const words = /^(?:config|certs) [a-z]+|^[a-z]+/.exec(command)![0].split(' ');
      const { code, out } = await run([...words, '--help']);
      expect([command, code]).toEqual([command, 0]);
      for (const option of command.match(/--[a-z-]+/g) ?? [])
        expect([command, out]).toEqual([command, expect.stringContaining(option)]);
    }
  });

  it('names only keys of the configuration that there are', () => {
    const reference = read('docs/reference/configuration.md');
    const keys = [...text.matchAll(/`((?:listen|routes|acme|warnings|limits|log)\.[a-z_]+)(?=[`:])/g)].map(
      (match) => match[1]!,
    );
    expect(keys.length).toBeGreaterThan(3);
    for (const key of keys) {
      const [group, name] = key.split('.');
      const known = section(reference, `## ${group}`).includes(`| \`${name}\``) || reference.includes(`\n## ${key}\n`);
      expect([key, known]).toEqual([key, true]);
    }
  });

  it('names only metrics that there are', () => {
    const reference = read('docs/reference/metrics.md');
    for (const [metric] of text.matchAll(/\bmatrix_sidecar_[a-z_]{12,}(?=[`{])/g))
      expect(reference).toContain(`\`${metric}\``);
  });

  it('has YAML that loads, but for that of Prometheus', () => {
    const server = 'servers: [{ server_name: example.com, homeserver: "http://synapse:8008" }]\n';
    for (const [, yaml = ''] of text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)) {
      if (yaml.includes('scrape_configs')) continue;
      expect([yaml, loadText(/^servers:/m.test(yaml) ? yaml : server + yaml).ok]).toEqual([yaml, true]);
    }
  });
});

describe('docs/operations.md', () => {
  it('says of every alert what it means and what to do, in the order of the rules', () => {
    const { groups } = parse(read('deploy/alerts.yaml')) as { groups: { rules: { alert: string }[] }[] };
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    expect(listRows(OPERATIONS).filter((name) => name.startsWith('Matrix'))).toEqual(alerts);
  });

  it('says of everything that lies in the store what it is', () => {
    const code = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => read(join('src', path)))
      .join('\n');
    const keys = [
      ...code.matchAll(/['`]((?:acme|tls|warnings|doctor|federation-tester|development-ca)\/[a-z-]*[^'`. ]*)/g),
    ].map((match) => match[1]!);
    const told = listRows(section(OPERATIONS, '## The store: files and permissions'));
    expect(keys.length).toBeGreaterThan(10);
    const untold = keys
      .map((key) => key.replace(/^acme\/\$\{.*/, 'acme/HOST-…').replace(/\$\{.*/, ''))
      .filter((key) => !told.some((row) => key.startsWith(row) || row.startsWith(key)));
    expect(untold).toEqual([]);
  });
});
