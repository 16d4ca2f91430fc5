import type { Step, WellKnownProblem } from '../../src/discovery/resolution.ts';
import type { Site, World } from './world.ts';

/** One server name in one world, and what has to come of it. */
export interface ResolutionCase extends World {
  readonly title: string;
  readonly serverName: string;
  readonly step: Step;
  /** `host:port=addresses`, in order; PORT is where port 443 is led to. */
  readonly places: readonly string[];
  /** The Host header, and the certificate's name if it is another. */
  readonly host: string;
  readonly certificate?: string;
  readonly problem?: WellKnownProblem;
  /** The SRV names that are asked for, when not those of the step. */
  readonly asksSrv?: readonly string[];
}

/** What comes of `fed.test` when nothing is said anywhere. */
export const FALLBACK = { step: '6', places: ['fed.test:8448=127.0.0.1'], host: 'fed.test' } as const;

/** A well-known document. */
export function says(server: unknown, headers: Readonly<Record<string, string>> = {}): Site {
  return { body: JSON.stringify({ 'm.server': server }), headers };
}

export function moved(status: number, location: string): Site {
  return { status, headers: { location } };
}

/** Redirects to a smaller number each time; at 0 there is the document. */
export function countdown(from: number): Site {
  return (request, response) => {
    const left = Number(/\?(\d+)$/.exec(request.url ?? '')?.[1] ?? from);
    if (left === 0) return void response.end('{"m.server": "b.fed.test:1"}');
    response.writeHead(302, { location: `https://fed.test/?${left - 1}` }).end();
  };
}
