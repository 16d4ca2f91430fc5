import { type Launch, type Post, WELL_KNOWN, WELL_KNOWN_PATH } from './peer.ts';

/** HAProxy: one thread, no logs, idle connections to the upstream shared by all clients. What is not here is its default. */
export function launchHaproxy(post: Post): Launch {
  const file = post.write(
    'haproxy.cfg',
    `global
  nbthread 1
  maxconn ${Math.min(16_000, Math.floor((post.openFiles - 200) / 2))}
  ssl-default-bind-options ssl-min-ver TLSv1.2
  tune.h2.fe.max-concurrent-streams 256
  tune.ssl.cachesize 20000
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 120s
  timeout http-keep-alive 300s
  option http-keep-alive
  http-reuse always
  option forwardfor
  no log
frontend tls
  bind 127.0.0.1:${post.port} ssl crt ${post.certificate.both.inside} alpn h2,http/1.1 backlog 8192
  http-request return status 200 content-type application/json string '${WELL_KNOWN}' if { path ${WELL_KNOWN_PATH} }
  http-request set-header X-Forwarded-Proto https
  http-request deny deny_status 404 unless { path_beg /_matrix/ }
  default_backend homeserver
backend homeserver
  server one 127.0.0.1:${post.upstreamPort} pool-max-conn 256
`,
  );
  return { args: ['-db', '-f', file.inside], env: { HOME: post.folder.inside } };
}
