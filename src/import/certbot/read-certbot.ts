import { basename, dirname, join } from 'node:path';
import { isJsonObject } from '../../matrix/json.ts';
import { unreadableSource } from '../import-error.ts';
import type { Place } from '../place.ts';
import type { SourceFiles } from '../source-files.ts';

/** One certificate as certbot keeps it. */
export interface Lineage {
  readonly name: string;
  /** Its renewal file. */
  readonly place: Place;
  readonly cert: string;
  readonly key: string;
  /** The settings of the renewal file, those of [renewalparams] and above it, each with its line. */
  readonly settings: ReadonlyMap<string, { readonly value: string; readonly place: Place }>;
}

/** A folder of certbot's. */
export interface CertbotFolder {
  /** The folder with live/ in it. */
  readonly root: string;
  readonly lineages: readonly Lineage[];
  /** Of its accounts; the first that has one. */
  readonly email: string | undefined;
}

/** Reads certbot's folder, or the live/ in it, or one certificate's in that. Throws a SidecarError where it is none. */
export function readCertbot(path: string, files: SourceFiles): CertbotFolder {
  const one = basename(dirname(path)) === 'live' ? basename(path) : undefined;
  const root = one !== undefined ? dirname(dirname(path)) : basename(path) === 'live' ? dirname(path) : path;
  const live = files.glob(join(root, 'live', one ?? '*')).filter((folder) => files.kindOf(folder) === 'folder');
  if (live.length === 0) {
    const hint =
      'Name the folder that has live/ and renewal/ in it, mostly /etc/letsencrypt; it may be readable by root only.';
    throw unreadableSource(`There is no certificate of certbot's in ${files.show(path)}`, hint);
  }
  return {
    root,
    lineages: live.map((folder) => readLineage(root, basename(folder), files)),
    email: readEmail(root, files),
  };
}

function readLineage(root: string, name: string, files: SourceFiles): Lineage {
  const path = join(root, 'renewal', `${name}.conf`);
  const file = files.show(path);
  const settings = new Map<string, { value: string; place: Place }>();
  (files.read(path) ?? '').split('\n').forEach((line, index) => {
    const [, key, value = ''] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line.slice(0, 2000)) ?? [];
    if (key !== undefined && !settings.has(key)) settings.set(key, { value, place: { file, line: index + 1 } });
  });
  const folder = join(root, 'live', name);
  const place = { file, line: settings.size === 0 ? undefined : 1 };
  return { name, place, cert: join(folder, 'fullchain.pem'), key: join(folder, 'privkey.pem'), settings };
}

/** certbot has kept the address in its accounts only where the CA sent it back. */
function readEmail(root: string, files: SourceFiles): string | undefined {
  for (const path of files.glob(join(root, 'accounts/*/directory/*/regr.json'))) {
    try {
      const value: unknown = JSON.parse(files.read(path) ?? '');
      const body = isJsonObject(value) ? value['body'] : undefined;
      const contact: unknown = isJsonObject(body) ? body['contact'] : undefined;
      const first: unknown = Array.isArray(contact) ? contact[0] : undefined;
      if (typeof first === 'string' && /^mailto:[^\s@]+@[^\s@]+$/.test(first)) return first.slice('mailto:'.length);
    } catch {
      // Damaged, or another version's: the address is only a convenience.
    }
  }
  return undefined;
}
