import type { SiteTarget } from '../site.ts';
import type { NginxWorld } from './ask-server.ts';
import type { Directive } from './directive.ts';
import { formatLocation, readLocation } from './find-location.ts';
import { readProxyAddress } from './read-target.ts';
import { listReferences } from './variables.ts';

/** A configuration has hundreds. */
const MOST_TARGETS = 2000;

/** Every proxy_pass of a server block, and every place that its variables can lead to. */
export function listTargets(server: Directive, { upstreams, maps }: NginxWorld): readonly SiteTarget[] {
  const found: SiteTarget[] = [];
  const sets = new Map<string, Directive[]>();
  collectSets(server.block ?? [], sets);
  visit(server.block ?? [], 'the server block');
  return found;

  function visit(block: readonly Directive[], where: string): void {
    for (const directive of block) {
      if (found.length >= MOST_TARGETS) return;
      if (directive.name === 'proxy_pass') addTargets(directive, where);
      const location = readLocation(directive);
      if (directive.block !== undefined)
        visit(directive.block, location === undefined ? where : formatLocation(location));
    }
  }

  function addTargets(directive: Directive, where: string): void {
    const url = directive.args[0] ?? '';
    const [, authority = ''] = /^\w+:\/\/([^/]*)/.exec(url) ?? [];
    const [variable, ...more] = listReferences(authority === '' ? url : authority);
    if (variable === undefined) return add(directive, url, where);
    if (more.length > 0) return;
    const entries = maps
      .get(variable)
      ?.block?.map((entry) => ({ entry, value: entry.args[0] ?? '', why: `map entry ${entry.name}` }));
    const written = sets.get(variable)?.map((entry) => ({ entry, value: entry.args[1] ?? '', why: where }));
    for (const { entry, value, why } of entries ?? written ?? []) {
      if (found.length >= MOST_TARGETS) return;
      add(
        entry,
        url.replace(new RegExp(`\\$(\\{${variable}\\}|${variable}\\b)`), () => value),
        why,
      );
    }
  }

  function add({ place }: Directive, url: string, where: string): void {
    const target = readProxyAddress(url, upstreams)?.target;
    if (target !== undefined && !target.text.includes('$')) found.push({ place, where, target });
  }
}

function collectSets(block: readonly Directive[], sets: Map<string, Directive[]>): void {
  for (const directive of block) {
    if (directive.name === 'set') {
      const name = (directive.args[0] ?? '').replace(/^\$/, '');
      const known = sets.get(name);
      if (known === undefined) sets.set(name, [directive]);
      else known.push(directive);
    }
    if (directive.block !== undefined) collectSets(directive.block, sets);
  }
}
