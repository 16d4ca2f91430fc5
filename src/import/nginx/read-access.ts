import type { Scope } from './scope.ts';

/**
 * Who may come, from allow and deny in the innermost block that has any: networks, or undefined for everybody. Empty
 * for nobody. Only lists that end by denying the rest say it.
 */
export function readAccess(scope: Scope): readonly string[] | undefined {
  for (const block of scope) {
    const rules = block.filter(({ name }) => name === 'allow' || name === 'deny');
    if (rules.length === 0) continue;
    const end = rules.findIndex(({ args }) => args[0] === 'all');
    if (end === -1 || rules[end]!.name === 'allow') return undefined;
    return rules
      .slice(0, end)
      .flatMap(({ name, args }) => (name === 'allow' && args[0] !== undefined ? [args[0]] : []));
  }
  return undefined;
}
