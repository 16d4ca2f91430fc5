import { type Launch, type Post, WELL_KNOWN, WELL_KNOWN_PATH } from './peer.ts';

/** Caddy: GOMAXPROCS=1, no access log, keep-alive to the upstream, no compression. What is not here is its default. */
export function launchCaddy(post: Post): Launch {
  const { certificate, folder } = post;
  const file = post.write(
    'Caddyfile',
    `{
  admin off
  auto_https off
  persist_config off
  grace_period 1s
  log default {
    level ERROR
  }
  servers {
    protocols h1 h2
  }
  default_bind 127.0.0.1
}
https://bench.test:${post.port} {
  tls ${certificate.cert.inside} ${certificate.key.inside}
  handle ${WELL_KNOWN_PATH} {
    header Content-Type application/json
    respond \`${WELL_KNOWN}\`
  }
  handle /_matrix/* {
    reverse_proxy 127.0.0.1:${post.upstreamPort} {
      transport http {
        keepalive 60s
        keepalive_idle_conns 1024
        keepalive_idle_conns_per_host 256
        compression off
        versions 1.1
      }
    }
  }
  handle {
    respond 404
  }
}
`,
  );
  return {
    args: ['run', '--adapter', 'caddyfile', '--config', file.inside],
    env: { GOMAXPROCS: '1', HOME: folder.inside, XDG_DATA_HOME: folder.inside, XDG_CONFIG_HOME: folder.inside },
  };
}
