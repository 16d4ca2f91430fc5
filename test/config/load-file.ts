import type { ConfigDerivation } from '../../src/config/derivation.ts';
import { type LoadedConfig, loadConfig } from '../../src/config/load-config.ts';

/** Files by path, without a disk; what is not in it does not exist. */
export function fakeFiles(files: Readonly<Record<string, string | Uint8Array>>) {
  return (path: string, limit: number): Uint8Array => {
    const content = Object.hasOwn(files, path) ? files[path] : undefined;
    if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return Buffer.from(content).subarray(0, limit + 1);
  };
}

/** Loads YAML text as /srv/sidecar.yaml. */
export function loadText(
  yaml: string | Uint8Array,
  more: { env?: Record<string, string>; files?: Record<string, string>; derivation?: ConfigDerivation } = {},
): LoadedConfig {
  const readFile = fakeFiles({ '/srv/sidecar.yaml': yaml, ...more.files });
  return loadConfig({ file: 'sidecar.yaml', env: more.env ?? {}, cwd: '/srv', readFile, derivation: more.derivation });
}

/** Loads the environment alone, in a folder without a configuration file. */
export function loadVariables(env: Record<string, string>, files: Record<string, string> = {}): LoadedConfig {
  return loadConfig({ env, cwd: '/srv', readFile: fakeFiles(files) });
}
