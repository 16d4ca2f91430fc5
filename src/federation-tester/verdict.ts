import type { HostPort } from '../base/address.ts';
import type { FindingId, Severity, Symptom } from './finding-kinds.ts';

/** One thing that is wrong, or could be better. */
export interface Finding {
  /** Stable; the heading of its entry in docs/troubleshooting.md. */
  readonly id: FindingId;
  /** error: federation fails, with some servers at least. warning: it will, or fails now and then. info: good to know. */
  readonly severity: Severity;
  /** One sentence without a full stop. */
  readonly title: string;
  /** What was seen, a clause each, with the address where it was seen. */
  readonly evidence: readonly string[];
  /** What to do, in a sentence. */
  readonly fix: string;
  /** The exact records, documents or directives to publish or to change, line by line; often none. */
  readonly lines: readonly string[];
  /** The typical complaints that this is behind. */
  readonly explains: readonly Symptom[];
}

/** Something that could not be found out, which is not the tested server's fault. */
export interface NotTested {
  readonly what: string;
  readonly why: string;
}

export interface Verdict {
  /** False until proven: something was reached, and everything that was reached works. */
  readonly federationOk: boolean;
  /** Errors first; empty for a healthy server. */
  readonly findings: readonly Finding[];
  readonly notTested: readonly NotTested[];
  /** What the public federation tester would say, and why when it is not what we say. */
  readonly publicTester: { readonly federationOk: boolean; readonly differs: string | undefined };
  /** What is the case, in one sentence. */
  readonly firstLine: string;
  /** What to do next, in one sentence. */
  readonly lastLine: string;
}

/** What the judgement depends on beside the facts. */
export interface Policy {
  /** public: every address has to be reachable from the internet. private: this network is all that counts. */
  readonly reach: 'public' | 'private';
  /** The DNS server that the test was told to ask (`--dns`): its silence is not the tested server's. */
  readonly dnsServer?: HostPort | undefined;
  /** Whether an authority beside the public ones was given (`--ca-file`). */
  readonly ownAuthority?: boolean;
  /** How the two are given by whoever asked for the test, where that is not as options of `check`. */
  readonly options?: PolicyOptions | undefined;
}

/** The names of options or configuration keys. */
export interface PolicyOptions {
  /** Of the DNS server: `--dns`. */
  readonly dns: string;
  /** Of the authority: `--ca-file`. */
  readonly authority: string;
}

/** Those of `check` and `doctor`. */
export const COMMAND_OPTIONS: PolicyOptions = { dns: '--dns', authority: '--ca-file' };

/** What one judge has to say about one thing; those of the same kind become one finding. */
export interface Remark {
  readonly id: FindingId;
  /** Instead of the kind's own severity. */
  readonly severity?: Severity;
  /** Instead of the kind's own title, where that would say more than was seen. */
  readonly title?: string;
  readonly evidence: string;
  readonly fix: string;
  readonly lines?: readonly string[];
}
