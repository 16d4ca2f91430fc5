/** What is asked of every server. Paths are as they go onto the wire; nothing on them exists. */
export const TARGETS = {
  keys: '/_matrix/key/v2/server',
  version: '/_matrix/federation/v1/version',
  /** No version of Matrix has it: 404 M_UNRECOGNIZED (server-server API, "Unsupported endpoints"). */
  unknown: '/_matrix/federation/v1/matrix-sidecar-check',
  /**
   * An event that nobody has. Every homeserver has this endpoint, wants it signed, and answers 404 or 403 when the
   * signature is right, 401 when it is not (Synapse: FederationEventServlet).
   */
  plain: '/_matrix/federation/v1/event/matrix-sidecar-check',
  /** The escapes that ids and aliases have in requests of real servers, and no others. */
  escaped:
    '/_matrix/federation/v1/event/%24check%2F%21room%3Aexample.org%2B%40%23?room_alias=%23check%3Aexample.org%2F',
  /** An empty id with a slash after it, which the same endpoint takes. */
  slashes: '/_matrix/federation/v1/event//',
} as const;

/** Where a transaction goes; `id` only of letters and digits. */
export function transactionTarget(id: string): string {
  return `/_matrix/federation/v1/send/${id}`;
}
