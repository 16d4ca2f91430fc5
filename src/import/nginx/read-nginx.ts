import { dirname, isAbsolute, join, resolve } from 'node:path';
import { tooLarge, unreadableSource } from '../import-error.ts';
import type { Place } from '../place.ts';
import type { SourceFiles } from '../source-files.ts';
import type { Directive } from './directive.ts';
import { parseNginx } from './parse-nginx.ts';

/** A configuration with all that it includes in place. */
export interface NginxText {
  readonly directives: readonly Directive[];
  /** Includes that led to no file. */
  readonly missing: readonly { readonly place: Place; readonly pattern: string }[];
}

const DEEPEST_INCLUDE = 16;
const MOST_DIRECTIVES = 400_000;
/** Where Debian, Alpine and nginx's own packages have it: a copy of that folder is read as if it stood there. */
const USUAL_ROOT = '/etc/nginx/';

/**
 * Reads files and folders of nginx's (a folder: its nginx.conf, else every file in it that ends in .conf, else all)
 * and follows includes: as nginx does from the folder of the main file, and for parts of a configuration also from the
 * folder of the file that includes and from the one above. Throws a SidecarError.
 */
export function readNginx(paths: readonly string[], files: SourceFiles): NginxText {
  const missing: { place: Place; pattern: string }[] = [];
  const parsed = new Map<string, readonly Directive[]>();
  let total = 0;

  function expand(directives: readonly Directive[], roots: readonly string[], trail: readonly string[]): Directive[] {
    return directives.flatMap((directive): Directive[] => {
      if (++total > MOST_DIRECTIVES) throw tooLarge(`There are more than ${MOST_DIRECTIVES} directives`);
      const { name, args, block } = directive;
      if (name !== 'include' || block !== undefined || args.length !== 1)
        return [block === undefined ? directive : { ...directive, block: expand(block, roots, trail) }];
      const found = findIncluded(args[0]!, roots, files);
      if (found.length === 0 && !/[*?[]/.test(args[0]!)) missing.push({ place: directive.place, pattern: args[0]! });
      return found.flatMap((path) => readFile(path, roots, trail));
    });
  }

  function readFile(path: string, roots: readonly string[], trail: readonly string[]): Directive[] {
    if (trail.includes(path)) throw tooLarge(`${files.show(path)} includes itself`);
    if (trail.length >= DEEPEST_INCLUDE) throw tooLarge(`Includes are nested more than ${DEEPEST_INCLUDE} deep`);
    const text = files.read(path);
    if (text === undefined) throw unreadableSource(`${files.show(path)} does not exist`, 'Correct the path.');
    // The folder of this file last: nginx itself knows only that of the main one.
    const near = roots.includes(dirname(path)) ? roots : [...roots, dirname(path)];
    const content = parsed.get(path) ?? parseNginx(text, files.show(path));
    // Included a thousand times, it is read once.
    parsed.set(path, content);
    return expand(content, near, [...trail, path]);
  }

  const directives = paths.flatMap((path) =>
    listMainFiles(path, files).flatMap((file) => readFile(file, [dirname(file), dirname(dirname(file))], [])),
  );
  return { directives, missing };
}

function listMainFiles(path: string, files: SourceFiles): readonly string[] {
  if (files.kindOf(path) !== 'folder') return [path];
  const main = join(path, 'nginx.conf');
  if (files.kindOf(main) === 'file') return [main];
  const named = files.glob(join(path, '*.conf'));
  const all = (named.length > 0 ? named : files.glob(join(path, '*'))).filter((one) => files.kindOf(one) === 'file');
  if (all.length > 0) return all;
  const hint = 'Name nginx.conf, the folder that it is in (mostly /etc/nginx), or the files of the sites.';
  throw unreadableSource(`There is no configuration of nginx in ${files.show(path)}`, hint);
}

/** The files of the first place where there are any. */
function findIncluded(pattern: string, roots: readonly string[], files: SourceFiles): readonly string[] {
  const moved = pattern.startsWith(USUAL_ROOT) ? pattern.slice(USUAL_ROOT.length) : undefined;
  const places = isAbsolute(pattern)
    ? [pattern, ...(moved === undefined ? [] : roots.map((root) => join(root, moved)))]
    : roots.map((root) => resolve(root, pattern));
  for (const place of places) {
    const found = files.glob(place).filter((path) => files.kindOf(path) === 'file');
    if (found.length > 0) return found;
  }
  return [];
}
