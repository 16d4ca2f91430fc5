import type { Place } from '../place.ts';

/** What Caddy calls a route, in its JSON as made of a Caddyfile. */
export interface CaddyRoute {
  /** Any of these; empty for everything. */
  readonly match: readonly CaddyMatch[];
  readonly handle: readonly CaddyHandler[];
  /** Of the routes of a group, only the first that matches is taken. */
  readonly group: string | undefined;
  readonly terminal: boolean;
}

/** All of these. Members that are undefined do not matter. */
export interface CaddyMatch {
  readonly hosts?: readonly string[];
  readonly paths?: readonly string[];
  readonly pattern?: string;
  readonly methods?: readonly string[];
  readonly not?: readonly CaddyMatch[];
  /** Client addresses. */
  readonly networks?: readonly string[];
  /** Depends on what is not known here: it is taken not to match. */
  readonly unknown?: boolean;
}

export type CaddyHandler =
  | { readonly do: 'subroute'; readonly routes: readonly CaddyRoute[] }
  | {
      readonly do: 'proxy';
      readonly place: Place;
      readonly dial: readonly string[];
      readonly tls: boolean;
      /** Whether the Host header is replaced by the upstream's. */
      readonly changesHost: boolean;
      /** Seconds until the answer has to begin. */
      readonly timeout: number | undefined;
    }
  | {
      readonly do: 'respond';
      readonly place: Place;
      readonly status: number;
      readonly body: string;
      readonly location?: string;
    }
  | { readonly do: 'headers'; readonly place: Place; readonly set: readonly (readonly [string, string])[] }
  | { readonly do: 'rewrite'; readonly strip?: string; readonly uri?: string }
  | { readonly do: 'root'; readonly root: string }
  | { readonly do: 'body-limit'; readonly place: Place; readonly bytes: number }
  | { readonly do: 'files'; readonly place: Place; readonly root?: string }
  | { readonly do: 'other'; readonly place: Place; readonly what: string };
