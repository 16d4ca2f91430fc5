import type { HostPort } from '../../base/address.ts';
import type { ConnectTo } from '../../discovery/connect-to.ts';

/** What `check` was asked for, read but not looked up. */
export interface CheckRequest {
  /** As it was written; whether it is one is a finding. */
  readonly serverName: string;
  readonly format: 'human' | 'json' | 'tap';
  /** PEM file of an authority that is trusted as well, absolute. */
  readonly caFile: string | undefined;
  readonly dns: HostPort | undefined;
  readonly connectTo: readonly ConnectTo[];
  /** Milliseconds for the whole test. */
  readonly total: number;
  /** In whose name requests are signed. */
  readonly signAs:
    | { readonly kind: 'nobody' }
    /** A server name and its signing key, in Synapse's form, absolute. */
    | { readonly kind: 'key'; readonly serverName: string; readonly file: string }
    /** The sidecar of this configuration. */
    | { readonly kind: 'sidecar'; readonly config: string | undefined };
}
