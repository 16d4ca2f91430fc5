/** Stands where a secret was. */
export const HIDDEN = '[redacted]';

/** The URL with its passwords replaced: the one before the host and one in the query. */
export function redactPassword(url: string): string {
  return url
    .replace(/^([a-z]+:\/\/)([^/?#]*)@/i, (_, scheme: string, user: string) => {
      const colon = user.indexOf(':');
      return `${scheme}${colon === -1 ? user : `${user.slice(0, colon)}:${HIDDEN}`}@`;
    })
    .replace(/([?&](?:password|sslpassword)=)[^&#]*/gi, `$1${HIDDEN}`);
}

/** The URL without anything after its host: the path and the query of a webhook are its password. */
export function redactPath(url: string): string {
  return `${new URL(url).origin}/${HIDDEN}`;
}
