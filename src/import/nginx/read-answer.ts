import { dirname, extname } from 'node:path';
import type { Place } from '../place.ts';
import type { AnswerHeaders, Outcome } from '../site.ts';
import type { SourceFiles } from '../source-files.ts';
import type { Directive } from './directive.ts';
import { findInherited, listInherited, type Scope } from './scope.ts';
import type { Variables } from './variables.ts';

/** Statuses to which add_header adds without `always` (ngx_http_headers_module). */
const ADDED_TO = new Set([200, 201, 204, 206, 301, 302, 303, 304, 307, 308]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What every mime.types says, for those that were not brought along. */
const USUAL_TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.html': 'text/html',
  '.txt': 'text/plain',
};

/** The answer that `return` makes. */
export function readReturn(directive: Directive, scope: Scope, variables: Variables): Outcome {
  const { args, place } = directive;
  const [first = '', second] = args;
  const status = /^\d{3}$/.test(first) ? Number(first) : 302;
  const text = status === 302 && first !== '302' ? first : second;
  const expanded = text === undefined ? '' : variables.expand(text);
  const headers = readHeaders(scope, status, '', variables);
  if (REDIRECTS.has(status)) {
    if (expanded === undefined) return { do: 'other', place, what: `a redirect to ${text}` };
    return { do: 'redirect', place, status, location: expanded, headers };
  }
  return { do: 'answer', place, status, body: expanded, headers };
}

/** A file: with its content if it is here. `path` is where nginx has it. */
export function readStatic(
  place: Place,
  path: string,
  scope: Scope,
  variables: Variables,
  files: SourceFiles,
): Outcome {
  if (files.kindOf(path) !== 'file') return { do: 'files', place, folder: dirname(path) };
  return {
    do: 'answer',
    place,
    status: 200,
    body: files.read(path),
    headers: readHeaders(scope, 200, extname(path), variables),
  };
}

/** What comes with an answer of nginx's own. A Content-Type by add_header is one more beside nginx's. */
export function readHeaders(scope: Scope, status: number, extension: string, variables: Variables): AnswerHeaders {
  const contentTypes = [findType(scope, extension)];
  const allowOrigin: string[] = [];
  for (const { args } of listInherited(scope, 'add_header')) {
    const [name = '', value = '', always] = args;
    if (always !== 'always' && !ADDED_TO.has(status)) continue;
    add(name, variables.expand(value) ?? value);
  }
  // Of the module headers-more, which sets where add_header adds.
  for (const { args } of listInherited(scope, 'more_set_headers')) {
    for (const arg of args) {
      const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(arg) ?? [];
      if (name.toLowerCase() === 'content-type') contentTypes.length = 0;
      add(name, value);
    }
  }
  return { contentTypes, allowOrigin };

  function add(name: string, value: string): void {
    if (value === '') return;
    if (name.toLowerCase() === 'content-type') contentTypes.push(value);
    if (name.toLowerCase() === 'access-control-allow-origin') allowOrigin.push(value);
  }
}

function findType(scope: Scope, extension: string): string {
  if (extension !== '') {
    const types = findInherited(scope, 'types')?.block;
    const named = types?.find(({ args }) => args.includes(extension.slice(1)))?.name;
    if (named !== undefined) return named;
    if (types === undefined && Object.hasOwn(USUAL_TYPES, extension)) return USUAL_TYPES[extension]!;
  }
  return findInherited(scope, 'default_type')?.args[0] ?? 'text/plain';
}
