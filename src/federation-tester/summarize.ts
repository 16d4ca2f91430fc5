import type { Facts } from './facts.ts';
import type { Verdict } from './verdict.ts';

/** The first line says what is the case, the last one what to do. */
export function summarize(
  facts: Facts,
  { federationOk, findings }: Pick<Verdict, 'federationOk' | 'findings'>,
): Pick<Verdict, 'firstLine' | 'lastLine'> {
  const name = facts.serverName.ok ? facts.serverName.value.text : 'that name';
  const first = findings[0];
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : '';
  if (first === undefined) {
    return federationOk
      ? { firstLine: `Federation with ${name} works.`, lastLine: 'Nothing to do.' }
      : {
          firstLine: `Whether federation with ${name} works could not be found out.`,
          lastLine: 'Test again from a machine that can reach all of its addresses.',
        };
  }
  if (!federationOk && first.severity !== 'error') {
    return {
      firstLine: `Whether federation with ${name} works could not be found out: ${lowerFirst(first.title)}${more}.`,
      lastLine: `To do: ${first.fix}`,
    };
  }
  if (federationOk) {
    const but = first.severity === 'info' ? 'works' : 'works, but';
    const said = first.severity === 'info' ? '.' : ` ${lowerFirst(first.title)}${more}.`;
    return { firstLine: `Federation with ${name} ${but}${said}`, lastLine: `To do: ${first.fix}` };
  }
  return {
    firstLine: `Federation with ${name} does not work: ${lowerFirst(first.title)}${more}.`,
    lastLine: `To do: ${first.fix}`,
  };
}

function lowerFirst(text: string): string {
  // TLS, DNS, IPv6 and Matrix keep their capitals.
  return /^[A-Z][a-z']* /.test(text) && !/^(Matrix) /.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text;
}
