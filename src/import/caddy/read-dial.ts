/** An upstream of Caddy's as one is written here: `synapse:8008`, `http://...`, `unix//run/x.sock`, `:8008`. */
export function readDial(dial: string, tls: boolean): string {
  const unix = /^unix(?:\+h2c)?\/(.+)$/.exec(dial)?.[1];
  if (unix !== undefined) return `unix:${unix}`;
  const [, scheme, rest = ''] = /^(?:(https?|h2c|tcp)(?::\/\/|\/))?(.*)$/.exec(dial) ?? [];
  const secure = tls || scheme === 'https';
  const authority = rest.replace(/\/.*$/, '');
  const host = authority.startsWith(':') ? `localhost${authority}` : authority;
  const port = /:\d+$/.test(host) ? '' : secure ? ':443' : ':80';
  return `${secure ? 'https' : 'http'}://${host}${port}`;
}
