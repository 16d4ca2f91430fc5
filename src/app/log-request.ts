import type { ListenerName } from '../base/connection.ts';
import type { SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import type { Carried } from '../forward/upgrade.ts';
import { isLogged, type RequestLine, textForLog } from '../observe/request-line.ts';
import { findPathEnd } from '../route/request-target.ts';
import type { RequestFacts } from './request-facts.ts';

/** A request as the log sees it. */
export interface LoggedRequest {
  readonly listener: ListenerName;
  readonly method: string;
  readonly authority: string | undefined;
  readonly target: string;
  readonly httpVersion: string;
}

/** How it ended. */
export interface RequestEnd {
  readonly status: number;
  readonly error: SidecarError | undefined;
  readonly surface: string;
  readonly server?: string | undefined;
  readonly origin?: string | undefined;
  readonly pools?: readonly string[] | undefined;
  /** Milliseconds. */
  readonly held?: number;
  readonly savedBy?: string | undefined;
  /** Of a WebSocket. */
  readonly carried?: Carried | undefined;
}

/**
 * Begins the line of a request; the result writes it, if the setting at its beginning asks for it. Blame picks the level:
 * the homeserver's failures are warnings, defects of ours errors.
 */
export function beginRequestLine(
  request: LoggedRequest,
  facts: RequestFacts,
  setting: Config['log']['requests'],
  { system, log }: { readonly system: System; readonly log: Log },
): (end: RequestEnd) => void {
  if (setting === 'off') return ignore;
  const began = system.monotonic();
  return (end) => {
    const { status, error } = end;
    if (!isLogged(setting, status, error !== undefined && error.blame !== 'client')) return;
    const line: RequestLine = {
      request_id: facts.requestId,
      client: facts.client.address,
      listener: request.listener,
      method: request.method,
      host: request.authority === undefined ? undefined : textForLog(request.authority),
      path: textForLog(request.target, findPathEnd(request.target)),
      status,
      ms: Math.round(system.monotonic() - began),
      http: request.httpVersion,
      ...describeWay(end),
      ...(error === undefined ? {} : { error: error.code, blame: error.blame }),
      ...(error === undefined || error.blame === 'client' ? {} : { why: error.message }),
    };
    if (error?.blame === 'us') log.error({ ...line, err: error.cause ?? error }, 'request');
    else if (error?.blame === 'upstream') log.warn(line, 'request');
    else log.info(line, 'request');
  };
}

/** What is known of where it went; what is not has no field. */
function describeWay({ surface, server, origin, pools, held = 0, savedBy, carried }: RequestEnd) {
  return {
    surface,
    ...(server === undefined ? {} : { server }),
    ...(origin === undefined ? {} : { origin: textForLog(origin) }),
    ...(pools === undefined ? {} : { pool: pools.join(', ') || 'main' }),
    ...(held === 0 ? {} : { held_ms: Math.round(held) }),
    ...(savedBy === undefined ? {} : { saved_by: savedBy }),
    ...(carried === undefined ? {} : { bytes_in: carried.fromClient, bytes_out: carried.toClient }),
  };
}

/** Where requests have no lines, what was not the client's doing is told all the same. */
export function logFailure(
  error: SidecarError,
  facts: RequestFacts,
  setting: Config['log']['requests'],
  log: Log,
): void {
  if (setting !== 'off') return;
  const fields = { request_id: facts.requestId, code: error.code };
  if (error.blame === 'upstream') log.warn(fields, error.message);
  else if (error.blame === 'us')
    log.error({ ...fields, err: error.cause ?? error }, 'A request failed because of a defect in the sidecar.');
}

function ignore(): void {}
