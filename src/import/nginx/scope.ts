import { type Directive, findDirective, listDirectives } from './directive.ts';

/** The blocks that a request is in, the innermost first: location, server, http. */
export type Scope = readonly (readonly Directive[])[];

/** The directive that holds here: inner blocks go before outer ones. */
export function findInherited(scope: Scope, name: string): Directive | undefined {
  for (const block of scope) {
    const found = findDirective(block, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All of the innermost block that has any: one proxy_set_header in a location hides those of the server. */
export function listInherited(scope: Scope, name: string): readonly Directive[] {
  for (const block of scope) {
    const found = listDirectives(block, name);
    if (found.length > 0) return found;
  }
  return [];
}

/** Whether a directive with on and off is on here. */
export function isOn(scope: Scope, name: string, otherwise: boolean): boolean {
  const value = findInherited(scope, name)?.args[0]?.toLowerCase();
  return value === undefined ? otherwise : value === 'on';
}
