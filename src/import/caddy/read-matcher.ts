import type { Segment } from './parse-caddyfile.ts';
import type { CaddyMatch } from './route.ts';

/** The matchers of a site by name, from its `@name` segments. */
export function readNamedMatchers(segments: readonly Segment[]): ReadonlyMap<string, CaddyMatch> {
  const found = new Map<string, CaddyMatch>();
  for (const { words, block } of segments) {
    const name = words[0]?.text ?? '';
    if (!name.startsWith('@')) continue;
    const inline = words.slice(1).map(({ text }) => text);
    found.set(
      name,
      block === undefined
        ? readMatch([inline])
        : readMatch(
            block.map(({ words: one, block: inner }) =>
              flatten(
                one.map(({ text }) => text),
                inner,
              ),
            ),
          ),
    );
  }
  return found;
}

/** `not { path /a }` has a block of its own. */
function flatten(words: readonly string[], block: readonly Segment[] | undefined): readonly string[] {
  const [inner] = block ?? [];
  return inner === undefined ? words : [...words, ...inner.words.map(({ text }) => text)];
}

/** Lines of a matcher, all of which have to hold. */
export function readMatch(lines: readonly (readonly string[])[]): CaddyMatch {
  let match: CaddyMatch = {};
  for (const line of lines) match = Object.assign({}, match, readLine(line, match));
  return match;
}

function readLine([kind = '', ...args]: readonly string[], before: CaddyMatch): CaddyMatch {
  switch (kind) {
    case 'path':
      return { paths: [...(before.paths ?? []), ...args] };
    case 'path_regexp':
      return { pattern: args.at(-1) ?? '' };
    case 'host':
      return { hosts: args };
    case 'method':
      return { methods: args.map((method) => method.toUpperCase()) };
    case 'not':
      // Twice not is nobody's way of writing.
      return args[0] === 'not' ? { unknown: true } : { not: [...(before.not ?? []), readMatch([args])] };
    case 'remote_ip':
    case 'client_ip':
      return { networks: args.filter((arg) => arg !== 'forwarded').flatMap(expandPrivate) };
    case 'protocol':
      return args[0] === 'https' ? {} : { unknown: true };
    default:
      return { unknown: true };
  }
}

function expandPrivate(network: string): readonly string[] {
  if (network !== 'private_ranges') return [network];
  return ['192.168.0.0/16', '172.16.0.0/12', '10.0.0.0/8', '127.0.0.0/8', 'fd00::/8', '::1'];
}
