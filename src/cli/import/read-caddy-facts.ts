import { dirname, join } from 'node:path';
import type { Finding } from '../../base/finding.ts';
import { listCaddySites } from '../../import/caddy/list-sites.ts';
import { readCaddyfile } from '../../import/caddy/parse-caddyfile.ts';
import { listJsonSites } from '../../import/caddy/read-json.ts';
import { readJsonTls } from '../../import/caddy/read-json-tls.ts';
import { readCaddyTls } from '../../import/caddy/read-options.ts';
import { unreadableSource } from '../../import/import-error.ts';
import type { PatternMatcher } from '../../import/pattern-matcher.ts';
import type { ImportFacts } from '../../import/plan-import.ts';
import type { Site } from '../../import/site.ts';
import type { SourceFiles } from '../../import/source-files.ts';
import type { YamlEntry } from '../../import/yaml-entry.ts';

/** What was read of Caddy's, and where its certificates are. */
export interface CaddyFacts extends Omit<ImportFacts, 'certificates'> {
  /** Folders that are Caddy's storage. */
  readonly storages: readonly string[];
}

/** Everything that Caddy's files say. `paths` are absolute. Throws a SidecarError. */
export function readCaddyFacts(paths: readonly string[], files: SourceFiles, matcher: PatternMatcher): CaddyFacts {
  const sites: Site[] = [];
  const findings: Finding[] = [];
  const sections: YamlEntry[] = [];
  const storages: string[] = [];
  for (const path of paths) {
    const kind = classify(path, files);
    if (kind.do === 'storage') storages.push(path);
    else if (kind.path.endsWith('.json')) {
      const text = files.read(kind.path);
      if (text === undefined) throw missing(kind.path, files);
      const json = listJsonSites(text, files.show(kind.path), { matcher, files });
      const tls = readJsonTls(json.config, { file: files.show(kind.path), line: undefined });
      sites.push(...json.sites);
      sections.push(...tls.sections);
      findings.push(...tls.findings);
    } else {
      const caddyfile = readCaddyfile(kind.path, files);
      sites.push(...listCaddySites(caddyfile, { matcher, files }, dirname(kind.path)));
      const tls = readCaddyTls(caddyfile);
      sections.push(...tls.sections);
      findings.push(...tls.findings, ...caddyfile.missing.map(tellMissing));
    }
  }
  return { program: 'Caddy', sites, foreign: [], proxies: [], findings, sections, storages };
}

function classify(path: string, files: SourceFiles): { do: 'storage' } | { do: 'config'; path: string } {
  if (files.kindOf(path) !== 'folder') return { do: 'config', path };
  const caddyfile = join(path, 'Caddyfile');
  if (files.kindOf(caddyfile) === 'file') return { do: 'config', path: caddyfile };
  const storage = [
    path.endsWith('/certificates') ? path : '',
    join(path, 'certificates'),
    join(path, 'caddy/certificates'),
  ];
  if (storage.some((one) => one !== '' && files.kindOf(one) === 'folder')) return { do: 'storage' };
  const hint =
    "Name the Caddyfile, a JSON configuration, or Caddy's data folder (the one that has certificates/ in it).";
  throw unreadableSource(`There is neither a Caddyfile nor a certificate of Caddy's in ${files.show(path)}`, hint);
}

function missing(path: string, files: SourceFiles) {
  return unreadableSource(`${files.show(path)} does not exist`, 'Correct the path.');
}

function tellMissing({ place, pattern }: { place: NonNullable<Finding['place']>; pattern: string }): Finding {
  return {
    id: 'import-include-missing',
    severity: 'warning',
    place,
    what: `What is imported as ${pattern} is not here, so what it says is not in the YAML.`,
    fix: 'Run this on the machine where Caddy runs, or on a copy of its whole folder.',
  };
}
