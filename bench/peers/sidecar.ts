import type { Launch, Post } from './peer.ts';

export interface SidecarPost extends Post {
  /** dist/main.js, or src/main.ts. */
  readonly main: string;
  /** Options of Node itself, --cpu-prof for instance. */
  readonly nodeOptions: readonly string[];
  /** Processes, where the configuration knows the key; one when absent. */
  readonly processes?: number;
}

/**
 * The sidecar: its defaults, but for the limits on what one client may have, because all of the load comes from one
 * address.
 */
export function writeSidecarConfig(post: Omit<SidecarPost, 'version'>): string {
  const { certificate, folder } = post;
  return post.write(
    'sidecar.yaml',
    `servers:
  - server_name: bench.test
    homeserver: http://127.0.0.1:${post.upstreamPort}
    delegate_to: bench.test:443
    certificate: { cert: ${certificate.cert.here}, key: ${certificate.key.here} }
listen: { https: "127.0.0.1:${post.port}", federation: off, http: off, admin: off }
store: ${folder.here}/store
limits: { requests_per_client: 20000, requests_per_origin: 20000, federation_requests: 20000, connections_per_client: 20000, idle_connections: 20000, drain: 1s }
${post.processes === undefined ? '' : `processes: ${post.processes}\n`}`,
  ).here;
}

/** Arguments of Node. */
export function launchSidecar(post: SidecarPost): Launch {
  return { args: [...post.nodeOptions, post.main, 'serve', '--config', writeSidecarConfig(post)] };
}
