import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { IssuedFiles } from './authority.ts';
import type { Container } from './container-network.ts';

/** What stands before a homeserver: this project, or what it replaces. */
export type EdgeKind = 'sidecar' | 'nginx' | 'caddy' | 'caddy-retrying';

export interface EdgePlan {
  readonly kind: EdgeKind;
  readonly serverName: string;
  /** Where the homeserver is, as host:port. */
  readonly homeserver: string;
  readonly address: string;
  /** Holds the certificate and what is written here. */
  readonly folder: string;
  readonly files: IssuedFiles;
}

const ROOT = join(import.meta.dirname, '../..');

/** Writes an edge's configuration and says how its container is started. It listens on 443 and 8448. */
export function planEdge(plan: EdgePlan): Container {
  const { image, command, options } = EDGES[plan.kind](plan);
  return {
    name: `edge-${plan.serverName}`,
    image,
    address: plan.address,
    command,
    options: ['--volume', `${plan.folder}:${plan.folder}:ro`, ...options],
  };
}

type Start = Pick<Container, 'image' | 'command' | 'options'>;

const EDGES: Readonly<Record<EdgeKind, (plan: EdgePlan) => Start>> = {
  sidecar: planSidecar,
  nginx: planNginx,
  caddy: (plan) => planCaddy(plan, ''),
  // The nearest thing that Caddy has: what cannot be delivered is tried again for as long as this project waits.
  'caddy-retrying': (plan) => planCaddy(plan, ' {\n\t\tlb_try_duration 50s\n\t}'),
};

/** This working tree's own sources, on the Node.js of the image that the Dockerfile builds on. */
function planSidecar({ serverName, homeserver, folder, files }: EdgePlan): Start {
  const config = join(folder, 'sidecar.yaml');
  writeFileSync(
    config,
    `servers:
  - server_name: ${serverName}
    homeserver: http://${homeserver}
    certificate: { cert: ${files.cert}, key: ${files.key} }
certificates: files
listen: { https: 443, federation: 8448, http: off, admin: 0.0.0.0:9010 }
store: /tmp/store
log: { level: info, requests: errors }
`,
  );
  // Where Node.js found it, links followed: node_modules need not lie in the working tree itself.
  const modules = dirname(dirname(new URL(import.meta.resolve('undici')).pathname));
  return {
    image: 'node:26-slim',
    command: ['node', '/app/src/main.ts', 'serve', '--config', config],
    options: [
      ...['--volume', `${ROOT}/src:/app/src:ro`],
      ...['--volume', `${ROOT}/package.json:/app/package.json:ro`],
      ...['--volume', `${modules}:/app/node_modules:ro`],
      ...['--user', `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`],
    ],
  };
}

/**
 * As Synapse's documentation has it (docs/reverse_proxy.md), with HTTP/2, and with what a container's changing address asks
 * for: the name as a variable and a resolver. Without these nginx resolves once, at its start.
 */
function planNginx({ serverName, homeserver, folder, files }: EdgePlan): Start {
  const config = join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `events {}
http {
  access_log off;
  resolver RESOLVER valid=5s ipv6=off;
  server {
    listen 443 ssl;
    listen 8448 ssl default_server;
    http2 on;
    server_name ${serverName};
    ssl_certificate ${files.cert};
    ssl_certificate_key ${files.key};
    location ~ ^(/_matrix|/_synapse/client) {
      set $synapse ${homeserver};
      proxy_pass http://$synapse;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Host $host:$server_port;
      client_max_body_size 50M;
      proxy_http_version 1.1;
    }
  }
}
`,
  );
  const begin = `sed "s/RESOLVER/$(sed -n 's/^nameserver //p' /etc/resolv.conf | head -n 1)/" ${config} >/tmp/nginx.conf
exec nginx -c /tmp/nginx.conf -g 'daemon off;'`;
  return { image: 'nginx:latest', command: ['sh', '-c', begin], options: [] };
}

/** As Synapse's documentation has it. */
function planCaddy({ serverName, homeserver, folder, files }: EdgePlan, more: string): Start {
  const config = join(folder, 'Caddyfile');
  writeFileSync(
    config,
    `{
	admin off
	auto_https off
}
https://${serverName} {
	tls ${files.cert} ${files.key}
	reverse_proxy /_matrix/* ${homeserver}${more}
	reverse_proxy /_synapse/client/* ${homeserver}${more}
}
https://${serverName}:8448 {
	tls ${files.cert} ${files.key}
	reverse_proxy /_matrix/* ${homeserver}${more}
}
`,
  );
  return {
    image: 'caddy:latest',
    command: ['caddy', 'run', '--config', config, '--adapter', 'caddyfile'],
    options: [],
  };
}

/** The programs whose figures are compared, with their versions, for the report. */
export const VERSION_COMMANDS: Readonly<Record<EdgeKind, readonly string[]>> = {
  sidecar: ['node', '--version'],
  nginx: ['nginx', '-v'],
  caddy: ['caddy', 'version'],
  'caddy-retrying': ['caddy', 'version'],
};
