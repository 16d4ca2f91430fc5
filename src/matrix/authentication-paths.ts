/**
 * What the Matrix Authentication Service answers in place of the homeserver, for clients that do not speak OAuth 2.0 to it: login
 * (also by SSO), logout and refresh, of any version (its crates/router/src/endpoints.rs). Only right below the version: room ids and event types further on are anybody's choice.
 */
const AUTHENTICATION = /^\/_matrix\/client\/[^/?]+\/(?:login|logout|refresh)(?:[/?]|$)/;

/** `target` is raw, with its query. */
export function isAuthenticationPath(target: string): boolean {
  return AUTHENTICATION.test(target);
}
