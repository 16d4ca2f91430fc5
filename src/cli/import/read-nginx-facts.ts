import { dirname, resolve } from 'node:path';
import type { Finding } from '../../base/finding.ts';
import { listNginxSites } from '../../import/nginx/list-sites.ts';
import { type NginxText, readNginx } from '../../import/nginx/read-nginx.ts';
import type { PatternMatcher } from '../../import/pattern-matcher.ts';
import type { ImportFacts } from '../../import/plan-import.ts';
import type { SourceFiles } from '../../import/source-files.ts';

/** Includes that have nothing to say about where requests go. */
const HARMLESS = /(^|\/)(mime\.types|fastcgi[^/]*|options-ssl-nginx\.conf|ssl-[^/]*|modules[^/]*|[^/]*dhparams?[^/]*)$/;

/** Everything that nginx's files say, but for the certificates. `paths` are absolute. Throws a SidecarError. */
export function readNginxFacts(
  paths: readonly string[],
  files: SourceFiles,
  matcher: PatternMatcher,
): Omit<ImportFacts, 'certificates'> {
  const text = readNginx(paths, files);
  const first = paths[0]!;
  const root = files.kindOf(first) === 'folder' ? first : dirname(first);
  const { sites, foreign, proxies } = listNginxSites(text.directives, { matcher, files, root: resolve(root) });
  return { program: 'nginx', sites, foreign, proxies, sections: [], findings: tellMissing(text) };
}

function tellMissing({ missing }: NginxText): readonly Finding[] {
  return missing
    .filter(({ pattern }) => !HARMLESS.test(pattern))
    .map(({ place, pattern }) => ({
      id: 'import-include-missing',
      severity: 'warning',
      place,
      what: `The included file ${pattern} is not here, so what it says is not in the YAML.`,
      fix: 'Run this on the machine where nginx runs, or on a copy of its whole folder.',
    }));
}
