import { isAtLeast, type Launch, type Post, WELL_KNOWN, WELL_KNOWN_PATH } from './peer.ts';

/**
 * nginx: one worker process, no logs, keep-alive to the upstream, bodies passed on as they come, sessions resumed by
 * tickets. What is not here is its default.
 */
export function launchNginx(post: Post): Launch {
  const { certificate, folder } = post;
  // 1.25.1 made HTTP/2 a directive of its own.
  const modern = isAtLeast(post.version, '1.25.1');
  const file = post.write(
    'nginx.conf',
    `${nginxHead(post)}
  client_max_body_size 0;
  upstream homeserver { server 127.0.0.1:${post.upstreamPort}; keepalive 256; keepalive_requests 100000000; keepalive_timeout 60s; }
  server {
    listen 127.0.0.1:${post.port} ssl${modern ? '' : ' http2'} backlog=8192 reuseport;
    ${modern ? 'http2 on;' : ''}
    http2_max_concurrent_streams 256;
    server_name bench.test;
    ssl_certificate ${certificate.cert.inside};
    ssl_certificate_key ${certificate.key.inside};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:10m;
    ssl_session_tickets on;
    location = ${WELL_KNOWN_PATH} { default_type application/json; return 200 '${WELL_KNOWN}'; }
    location /_matrix/ {
      proxy_pass http://homeserver;
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
      proxy_buffers 16 16k;
      proxy_buffer_size 16k;
      proxy_max_temp_file_size 0;
      proxy_request_buffering off;
      proxy_read_timeout 120s;
    }
  }
}
`,
  );
  return { args: ['-e', 'stderr', '-c', file.inside], env: { HOME: folder.inside } };
}

/** The begin of a configuration, up to and into `http {`: of the proxy and of the fixed upstream. */
export function nginxHead(post: Pick<Post, 'folder' | 'openFiles'>): string {
  const { folder, openFiles } = post;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `worker_processes 1;
worker_rlimit_nofile ${openFiles};
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${folder.inside}/pid;
error_log stderr warn;
events { worker_connections ${Math.min(openFiles - 100, 32_768)}; multi_accept on; }
http {
  access_log off;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 300s;
  keepalive_requests 100000000;
  ${temporary.map((name) => `${name}_temp_path ${folder.inside}/${name};`).join('\n  ')}`;
}
