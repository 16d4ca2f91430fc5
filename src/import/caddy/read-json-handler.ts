import { isJsonObject, type JsonObject } from '../../matrix/json.ts';
import type { Place } from '../place.ts';
import { listObjects, memberOf, textOf } from './read-members.ts';
import type { CaddyHandler } from './route.ts';

/** Handlers that only look, or change what nobody here asks about. */
const PASSING = new Set(['encode', 'tracing', 'log_append', 'push', 'map', 'templates', 'request_header', 'intercept']);

/** What one handler of Caddy's JSON does; nothing for those that do not decide where a request goes. */
export function readJsonHandler(one: JsonObject, place: Place): readonly CaddyHandler[] {
  const kind = textOf(one['handler']) ?? '';
  switch (kind) {
    case 'reverse_proxy': {
      const transport = memberOf(one, 'transport');
      const host = memberOf(memberOf(memberOf(one, 'headers'), 'request'), 'set')['Host'];
      const timeout = transport['response_header_timeout'];
      return [
        {
          do: 'proxy',
          place,
          dial: listObjects(one['upstreams']).flatMap((upstream) => textOf(upstream['dial']) ?? []),
          tls: isJsonObject(transport['tls']),
          changesHost: JSON.stringify(host ?? '').includes('upstream'),
          // Nanoseconds, where it is a number.
          timeout: typeof timeout === 'number' ? timeout / 1e9 : undefined,
        },
      ];
    }
    case 'static_response': {
      const location = memberOf(one, 'headers')['Location'];
      const to = Array.isArray(location) ? textOf(location[0]) : undefined;
      const status = Number(one['status_code'] ?? 200) || 200;
      const headers = memberOf(one, 'headers');
      return [
        { do: 'headers', place, set: listSet(headers) },
        {
          do: 'respond',
          place,
          status,
          body: textOf(one['body']) ?? '',
          ...(to === undefined ? {} : { location: to }),
        },
      ];
    }
    case 'headers': {
      const response = memberOf(one, 'response');
      return [
        { do: 'headers', place, set: [...listSet(memberOf(response, 'set')), ...listSet(memberOf(response, 'add'))] },
      ];
    }
    case 'rewrite': {
      const [strip, uri] = [textOf(one['strip_path_prefix']), textOf(one['uri'])];
      return [{ do: 'rewrite', ...(strip === undefined ? {} : { strip }), ...(uri === undefined ? {} : { uri }) }];
    }
    case 'request_body':
      return typeof one['max_size'] === 'number' ? [{ do: 'body-limit', place, bytes: one['max_size'] }] : [];
    case 'vars':
      return typeof one['root'] === 'string' ? [{ do: 'root', root: one['root'] }] : [];
    case 'file_server': {
      const root = textOf(one['root']);
      return [{ do: 'files', place, ...(root === undefined ? {} : { root }) }];
    }
    case 'error':
      return [{ do: 'respond', place, status: Number(one['status_code'] ?? 500) || 500, body: '' }];
    default:
      return PASSING.has(kind) ? [] : [{ do: 'other', place, what: `the handler ${kind.slice(0, 40)}` }];
  }
}

function listSet(headers: JsonObject): readonly (readonly [string, string])[] {
  return Object.entries(headers).flatMap(([name, values]) => {
    const value = Array.isArray(values) ? textOf(values[0]) : undefined;
    return value === undefined ? [] : [[name, value] as const];
  });
}
