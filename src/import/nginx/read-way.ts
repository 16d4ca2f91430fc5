import type { Way } from '../site.ts';
import type { Directive } from './directive.ts';
import { readAccess } from './read-access.ts';
import { readSeconds, readSize } from './read-quantity.ts';
import { findInherited, isOn, listInherited, type Scope } from './scope.ts';

/** nginx's defaults: client_max_body_size and proxy_read_timeout. */
const DEFAULT_BODY = 1024 * 1024;
const DEFAULT_TIMEOUT = 60;

/** How a request passes a proxy_pass, from the directives that hold there. */
export function readWay(pass: Directive, scope: Scope, rewritten: string | undefined): Way {
  const headers = listInherited(scope, 'proxy_set_header');
  const header = (name: string): Directive | undefined =>
    headers.findLast(({ args }) => args[0]?.toLowerCase() === name && args[1] !== '');
  const cors = listInherited(scope, 'add_header').find(
    ({ args }) => args[0]?.toLowerCase() === 'access-control-allow-origin',
  );
  const hidden = listInherited(scope, 'proxy_hide_header').some(
    ({ args }) => args[0]?.toLowerCase() === 'access-control-allow-origin',
  );
  const intercepts = findInherited(scope, 'proxy_intercept_errors');
  return {
    rewritten,
    bodyLimit: readBodyLimit(scope),
    readTimeout: readTimeout(scope),
    forwardedFor: readForwardedFor(header('x-forwarded-for'), pass),
    forwardedProto: header('x-forwarded-proto') !== undefined,
    host: /\$(host|http_host|server_name)\b|^[a-z0-9.-]+$/i.test(header('host')?.args[1] ?? ''),
    buffered: isOn(scope, 'proxy_buffering', true),
    addsCors: hidden ? undefined : cors?.place,
    replacesErrors: isOn(scope, 'proxy_intercept_errors', false) ? intercepts?.place : undefined,
    allowed: readAccess(scope),
  };
}

function readForwardedFor(header: Directive | undefined, pass: Directive): Way['forwardedFor'] {
  if (header === undefined) return { how: 'missing', place: pass.place };
  const value = header.args[1] ?? '';
  // Whatever the client sent comes first, and the first one is believed (Synapse http/site.py).
  const appended = value.includes('$proxy_add_x_forwarded_for') || value.includes('$http_x_forwarded_for');
  return { how: appended ? 'appended' : 'set', place: header.place };
}

function readBodyLimit(scope: Scope): Way['bodyLimit'] {
  const directive = findInherited(scope, 'client_max_body_size');
  const bytes = directive === undefined ? DEFAULT_BODY : readSize(directive.args[0] ?? '');
  return bytes === undefined || bytes === 0 ? undefined : { bytes, place: directive?.place };
}

function readTimeout(scope: Scope): Way['readTimeout'] {
  const directive = findInherited(scope, 'proxy_read_timeout');
  const seconds = directive === undefined ? DEFAULT_TIMEOUT : readSeconds(directive.args[0] ?? '');
  return seconds === undefined ? undefined : { seconds, place: directive?.place };
}
