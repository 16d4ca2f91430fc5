import { nginxHead } from './nginx.ts';
import type { Launch, Post } from './peer.ts';

/** Bytes of the small answer. */
export const SMALL = 500;
/** Bytes of the large file. */
export const LARGE = 100 * 1024 * 1024;
/** Where it is. */
export const LARGE_PATH = '/_matrix/client/v1/media/download/bench.test/large';

/** A JSON object of exactly so many bytes, 20 or more. */
export function jsonOfSize(bytes: number): string {
  const empty = '{"ok":true,"pad":""}';
  return `{"ok":true,"pad":"${'x'.repeat(bytes - empty.length)}"}`;
}

/** nginx as a homeserver that costs next to nothing: the same small answer to everything, and one large file. */
export function launchFixedUpstream(
  post: Pick<Post, 'folder' | 'openFiles' | 'write'>,
  port: number,
  large: string,
): Launch {
  const file = post.write(
    'upstream.conf',
    `${nginxHead(post)}
  types { }
  default_type application/json;
  server {
    listen 127.0.0.1:${port} backlog=8192;
    location / { return 200 '${jsonOfSize(SMALL)}'; }
    location = ${LARGE_PATH} { alias ${large}; default_type application/octet-stream; }
  }
}
`,
  );
  return { args: ['-e', 'stderr', '-c', file.inside] };
}
