import type { FederationWay } from './list-ways.ts';

/** Text to copy. `format` says what it is: a zone file, YAML, a file's content, and so on. */
export interface Block {
  /** Where it belongs; undefined where the step's title says it. */
  readonly caption: string | undefined;
  readonly format: 'zone' | 'yaml' | 'json' | 'shell' | 'nginx' | 'apache' | 'caddy' | 'javascript' | 'php' | 'text';
  /** Without a line end after the last line. */
  readonly text: string;
}

/** One thing to do. */
export interface Step {
  readonly id: 'config' | 'dns' | 'website' | 'certificate' | 'ports' | 'homeserver' | 'trust';
  readonly title: string;
  /** Sentences that help to do it right; the first one first. */
  readonly notes: readonly string[];
  readonly blocks: readonly Block[];
}

/** One record of a zone. Names end in a dot. */
export interface DnsRecord {
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
  readonly type: 'A' | 'AAAA' | 'SRV' | 'CNAME' | 'TXT' | 'CAA';
  /** As a zone file has it. */
  readonly data: string;
  /** Half a sentence. */
  readonly why: string;
  /** Whether it is needed; one that is not is written as a comment. */
  readonly needed: boolean;
}

/** A well-known document of one server name, as the sidecar serves it. */
export interface PublishedDocument {
  /** `server`, `client`, `support` or another. */
  readonly name: string;
  readonly url: string;
  /** Byte for byte. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Who has to answer for it under `url`. */
  readonly by: 'sidecar' | 'website';
}

export interface DelegationAdvice {
  /** Whether other servers would fail to come here without it. */
  readonly needed: boolean;
  readonly why: string;
  readonly method: 'none' | 'well-known' | 'srv' | 'both';
  /** Whether that method fits, and why. */
  readonly whyMethod: string;
  /** Other answers of the federation guide that apply here. */
  readonly remarks: readonly string[];
}

/** A certificate that is needed, for people. */
export interface CertificateAdvice {
  /** `proof` is how the CA can be shown that a name is ours; undefined where no CA is asked. */
  readonly names: readonly { readonly name: string; readonly why: string; readonly proof: string | undefined }[];
  readonly source: 'acme' | 'files' | 'local';
  /** Who gets it and how, in a sentence. */
  readonly how: string;
}

/** A ready-made piece of configuration for a web server that is not ours. */
export interface WebsiteSnippet {
  /** How it is asked for: `nginx`, `github-pages`. */
  readonly id: string;
  readonly title: string;
  readonly variants: readonly {
    /** `documents`: it has them itself. `redirect`: it sends everybody to the sidecar. `proxy`: it asks the sidecar. */
    readonly kind: 'documents' | 'redirect' | 'proxy';
    readonly blocks: readonly Block[];
  }[];
  readonly notes: readonly string[];
}

/** Everything to know and to do for one server name. */
export interface Advice {
  readonly serverName: string;
  /** One line: how other servers come here, and how much is to be done. */
  readonly verdict: string;
  readonly delegation: DelegationAdvice;
  /** In the order in which other servers try them. */
  readonly ways: readonly FederationWay[];
  readonly documents: readonly PublishedDocument[];
  readonly dns: readonly DnsRecord[];
  readonly certificates: readonly CertificateAdvice[];
  /** For `homeserver.yaml`. */
  readonly homeserver: string;
  /** For the web server that has the apex; empty where that is the sidecar. */
  readonly website: readonly WebsiteSnippet[];
  readonly todo: readonly Step[];
}
