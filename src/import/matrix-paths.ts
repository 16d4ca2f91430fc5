/** A path that belongs to the main process of any homeserver: no worker lists it. */
export const MAIN_PATHS = [
  '/_matrix/client/v3/matrix-sidecar-import',
  '/_matrix/client/versions',
  '/_matrix/federation/v1/version',
  '/_matrix/key/v2/server',
] as const;

export const CLIENT_PATH = '/_matrix/client/versions';
export const SYNC_PATH = '/_matrix/client/v3/sync';
export const FEDERATION_PATH = '/_matrix/federation/v1/send/1';
export const KEY_PATH = '/_matrix/key/v2/server';
export const UPLOAD_PATH = '/_matrix/media/v3/upload';
export const ADMIN_PATH = '/_synapse/admin/v1/server_version';
export const INTERNAL_PATH = '/_synapse/metrics';
export const WELL_KNOWN = '/.well-known/matrix/';
export const ROOT_PATH = '/';
