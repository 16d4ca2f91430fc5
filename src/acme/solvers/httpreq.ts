import { answeredWith, type CallApi } from './call-api.ts';
import type { ChallengeRecord, DnsProvider } from './dns-provider.ts';

export interface HttpreqSlice {
  /** `/present` and `/cleanup` are appended to it. */
  readonly endpoint: string;
  /** `raw` gives the server the challenge itself, `default` the record. */
  readonly mode: 'default' | 'raw';
  /** For basic authentication. */
  readonly login?: { readonly username: string; readonly password: string } | undefined;
}

const TITLE = 'httpreq';

/** A web service of the operator's own that writes records, called as lego's provider `httpreq` calls it. */
export function createHttpreqProvider(slice: HttpreqSlice, deps: { readonly call: CallApi }): DnsProvider {
  const { login } = slice;
  const endpoint = slice.endpoint.replace(/\/+$/, '');
  const credentials = Buffer.from(`${login?.username}:${login?.password}`).toString('base64');
  const headers = login === undefined ? {} : { authorization: `Basic ${credentials}` };

  async function post(action: 'present' | 'cleanup', record: ChallengeRecord, signal?: AbortSignal): Promise<void> {
    const { task, name, value } = record;
    const body =
      slice.mode === 'raw'
        ? { domain: task.identifier.value, token: task.token, keyAuth: task.keyAuthorization }
        : { fqdn: `${name}.`, value };
    const url = `${endpoint}/${action}`;
    const answer = await deps.call({ method: 'POST', url, headers, body, ...(signal === undefined ? {} : { signal }) });
    if (answer.status >= 200 && answer.status < 300) return;
    throw answeredWith(TITLE, answer, answer.text, `See what the server behind ${new URL(url).origin} logs.`);
  }

  return {
    title: TITLE,
    set: (record, signal) => post('present', record, signal),
    unset: (record) => post('cleanup', record),
  };
}
