import type { DnsClient, DnsQueryOptions } from '../../../src/base/dns.ts';
import { SidecarError } from '../../../src/base/errors.ts';

/**
 * A DNS as a table that a test changes while it goes: `TXT a.test` is what the machine's resolver says,
 * `TXT a.test @192.0.2.1:53` what that server says. A string instead of a list is why there is no answer.
 */
export type DnsTable = Map<string, readonly string[] | string>;

/** A DnsClient that answers from a table; the questions are kept. */
export function createTableDns(table: DnsTable): DnsClient & { readonly questions: string[] } {
  const questions: string[] = [];
  async function ask(type: string, name: string, { server, signal }: DnsQueryOptions = {}): Promise<readonly string[]> {
    const question = `${type} ${name}${server === undefined ? '' : ` @${server}`}`;
    questions.push(question);
    signal?.throwIfAborted();
    const answer = table.get(question) ?? [];
    if (typeof answer !== 'string') return answer;
    throw new SidecarError(answer, { code: 'dns-failed', blame: 'remote' });
  }
  return {
    questions,
    resolveTxt: (name, options) => ask('TXT', name, options),
    resolveCname: async (name, options) => (await ask('CNAME', name, options))[0],
    resolveNs: (name, options) => ask('NS', name, options),
    async resolveSoa(name, options) {
      const [primary] = await ask('SOA', name, options);
      return primary === undefined ? undefined : { primary, serial: 1 };
    },
    async resolveCaa() {
      return [];
    },
    async resolveSrv() {
      return [];
    },
    resolveAddresses: (name, options) => ask('A', name, options),
  };
}
